import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FILES_PER_PACKAGE = 20;
const FILE_BYTES = 2048;
const BUILD = 'rm -rf dist && cp -r src dist';

/**
 * An npm workspace of `count` packages in about log2(count) layers, each depending on up to three of the
 * layer below, with 20 source files of 2 KiB each; the same for every run. Both runners are configured.
 */
export function generateWorkspace(count: number): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), `velocity-bench-${count}-`)));
  const random = seeded(count);
  const write = (path: string, content: string): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const layers = Math.max(2, Math.round(Math.log2(count)));
  const layerOf = (index: number): number => Math.floor((index * layers) / count);
  for (let index = 0; index < count; index++) {
    const below = Array.from({ length: count }, (_, other) => other).filter(
      (other) => layerOf(other) === layerOf(index) - 1,
    );
    const chosen = new Set(
      below.length === 0
        ? []
        : [random(), random(), random()].map((value) => below[Math.floor(value * below.length)]),
    );
    const dependencies = Object.fromEntries([...chosen].map((other) => [`package-${other}`, '1.0.0']));
    write(
      `packages/package-${index}/package.json`,
      JSON.stringify(
        { name: `package-${index}`, version: '1.0.0', scripts: { build: BUILD }, dependencies },
        null,
        2,
      ),
    );
    for (let file = 0; file < FILES_PER_PACKAGE; file++)
      write(`packages/package-${index}/src/file-${file}.js`, text(random));
  }
  write(
    'package.json',
    JSON.stringify(
      { name: 'bench', private: true, packageManager: 'npm@11.2.0', workspaces: ['packages/*'] },
      null,
      2,
    ),
  );
  write('turbo.json', JSON.stringify({ tasks: { build: { dependsOn: ['^build'], outputs: ['dist/**'] } } }));
  write(
    'velocity.yml',
    'version: 1\npipeline:\n  build:\n    depends_on: ["^build"]\n    outputs: ["dist/**"]\n',
  );
  write('.gitignore', 'dist\nnode_modules\n.turbo\n.velocity\n');
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  run('npm', 'install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', '--offline');
  run('git', 'init', '-q');
  run('git', 'add', '-A');
  run('git', '-c', 'user.email=bench@example.com', '-c', 'user.name=bench', 'commit', '-q', '-m', 'bench');
  return root;
}

function text(random: () => number): string {
  let content = '';
  while (content.length < FILE_BYTES)
    content += `export const value${Math.floor(random() * 1e9)} = ${random()};\n`;
  return content.slice(0, FILE_BYTES);
}

/** mulberry32: small, and the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
