import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';

const REPOSITORY = join(import.meta.dirname, '../..');

/** docs/architecture.md says the same in words. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  config: ['base'],
  telemetry: ['base'],
  wire: ['base'],
  http: ['base', 'telemetry', 'config'],
  auth: ['base', 'telemetry', 'config', 'wire', 'http'],
  storage: ['base', 'config', 'telemetry'],
  cache: ['base', 'config', 'telemetry', 'storage'],
  files: ['base', 'config', 'telemetry', 'storage'],
  buckets: ['base', 'config', 'telemetry', 'http', 'storage', 'cache'],
  'http-cache': ['base'],
  doors: [
    'base',
    'config',
    'telemetry',
    'wire',
    'http',
    'auth',
    'storage',
    'cache',
    'files',
    'buckets',
    'http-cache',
  ],
  server: [
    'base',
    'config',
    'telemetry',
    'wire',
    'http',
    'auth',
    'storage',
    'cache',
    'files',
    'buckets',
    'http-cache',
    'doors',
  ],
  runner: ['base', 'config', 'telemetry', 'wire', 'storage', 'cache'],
  cli: ['base', 'config', 'telemetry', 'wire', 'runner'],
};
const FOLDERS = Object.keys(MAY_IMPORT);

/** The ways one file names another. */
const WAYS: Readonly<Record<string, (folder: string) => string>> = {
  import: (folder) => `import { THING as ${folder.replace('-', '')} } from '../${folder}/room/thing.ts';`,
  'type import': (folder) =>
    `import type { THING as ${folder.replace('-', '')} } from '../${folder}/room/thing.ts';`,
  'dynamic import': (folder) =>
    `export const ${folder.replace('-', '')} = () => import('../${folder}/room/thing.ts');`,
};

interface Complaint {
  readonly category: string;
  readonly location: { readonly path: string; readonly start: { readonly line: number } };
}

describe('the linter', () => {
  let folder: TempFolder;
  let complaints: readonly Complaint[];

  // It judges a small copy of the layout in which every folder imports every other one, a line each.
  before(async () => {
    folder = await openTempFolder();
    await copyFile(join(REPOSITORY, 'biome.json'), join(folder.path, 'biome.json'));
    for (const name of FOLDERS) {
      await write(`src/${name}/room/thing.ts`, 'export const THING = 1;');
      for (const [way, line] of Object.entries(WAYS))
        await write(fileOf(name, way), othersOf(name).map(line).join('\n'));
    }
    await write('src/base/ring-a.ts', "import type { B } from './ring-b.ts';\nexport type A = B | 1;");
    await write('src/base/ring-b.ts', "import type { A } from './ring-a.ts';\nexport type B = A | 2;");
    complaints = await lint(folder.path);
  });

  after(() => folder[Symbol.asyncDispose]());

  for (const name of FOLDERS) {
    const refused = othersOf(name).filter((other) => !MAY_IMPORT[name]?.includes(other));
    for (const way of Object.keys(WAYS))
      test(`refuses src/${name} each ${way} of ${refused.join(', ')}, and no other`, () => {
        const found = complaints
          .filter(({ category }) => category === 'lint/style/noRestrictedImports')
          .filter(({ location }) => location.path === fileOf(name, way))
          .map(({ location }) => othersOf(name)[location.start.line - 1]);
        assert.deepEqual(found.toSorted(), refused.toSorted());
      });
  }

  test('refuses a circle of imports, of types too', () => {
    const files = complaints
      .filter(({ category }) => category === 'lint/suspicious/noImportCycles')
      .map(({ location }) => location.path);
    for (const file of ['src/base/ring-a.ts', 'src/base/ring-b.ts']) assert.ok(files.includes(file), file);
  });

  async function write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), `${text}\n`);
  }
});

function othersOf(name: string): string[] {
  return FOLDERS.filter((other) => other !== name);
}

function fileOf(name: string, way: string): string {
  return `src/${name}/${way.replaceAll(' ', '-')}.ts`;
}

function lint(folder: string): Promise<readonly Complaint[]> {
  const biome = join(REPOSITORY, 'node_modules/.bin/biome');
  const args = ['lint', '--vcs-enabled=false', '--max-diagnostics=none', '--reporter=json', '.'];
  return new Promise((resolve, reject) => {
    execFile(biome, args, { cwd: folder, maxBuffer: 64 * 1024 * 1024 }, (_failed, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout).diagnostics);
      } catch (error) {
        reject(new Error(`biome said: ${stderr}`, { cause: error }));
      }
    });
  });
}
