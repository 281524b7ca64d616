/**
 * All tests, in the order in which they are cheap: style, types, generated pages, unit tests,
 * contracts, conformance, end to end. `npm test -- src/base test/e2e/run.test.ts` runs those files or folders only.
 */
import { type SpawnOptions, spawn } from 'node:child_process';
import { cpSync, existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { installBuildTools } from '../test/rig/build-tools.ts';
import { Radosgw } from '../test/rig/radosgw.ts';
import { TEST_S3_VARIABLE } from '../test/rig/test-s3.ts';
import { BUILT_VARIABLE } from '../test/rig/velocity-program.ts';

const BIN = join('node_modules', '.bin');
const FOLDERS = ['src', 'test/repo', 'test/contracts', 'test/conformance', 'test/e2e'];
/** Files that talk to S3: with one of them in the run, the server is started once for all. */
const S3_USERS =
  /test\/(contracts\/(s3-store|rclone-backends|faulty-network)|e2e\/(admin|clients\/[\w-]+|files-mounts|gateway|object-gateway|run-s3|storage-faults))\.test\.ts$/;
/** Test files that run build tools which are no dependency of the project. */
const BUILD_TOOL_USERS =
  /test\/e2e\/(clients\/(github-actions|lage|moon|nx|opendal|wireit)|sidecar)\.test\.ts$/;
/** Test files of clients that need minutes: `npm run clients` runs them, plain `npm test` does not. */
const SLOW_CLIENTS: readonly string[] = ['test/e2e/clients/bazel.test.ts', 'test/e2e/clients/gradle.test.ts'];
/** Each file is a process of its own, and all load the same sources: a fifth of their time is spared. */
const COMPILE_CACHE = resolve('node_modules', '.cache', 'compiled');
/** Where the program lies as it is published, for tests that run it: it starts in half the time that its sources take. */
const BUILT = resolve('node_modules', '.cache', 'built');
const PUBLISHED = ['package.json', ...publishedFolders().filter((name) => name !== 'dist')];
/** Files at once: the machines this runs on have few cores, and some tests start servers. */
const CONCURRENCY = 2;

interface Step {
  readonly name: string;
  readonly seconds: number;
  readonly passed: boolean;
}

const steps: Step[] = [];
const skipped: string[] = [];
const chosen = process.argv.slice(2);
const files = chooseFiles();
if (files.length === 0) {
  console.error(`there are no test files in ${chosen.join(' ')}`);
  process.exit(2);
}

if (chosen.length === 0) {
  await step('lint', () => run(join(BIN, 'biome'), ['check', '--error-on-warnings', '.']));
  await step('types', () => run(join(BIN, 'tsc'), ['--noEmit']));
  await step('docs', () => run(process.execPath, ['scripts/write-reference.ts', '--check']));
}
if (files.some((file) => file.startsWith(join('test', 'e2e')))) await step('build', buildProgram);
await step(`tests (${files.length} files)`, () => runTests(files));

console.log('');
for (const { name, seconds, passed } of steps)
  console.log(`${passed ? 'passed' : 'FAILED'}  ${seconds.toFixed(1).padStart(6)} s  ${name}`);
for (const line of skipped) console.log(line);
process.exitCode = steps.every(({ passed }) => passed) ? 0 : 1;

function publishedFolders(): readonly string[] {
  const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly files: readonly string[] };
  return files;
}

async function buildProgram(): Promise<boolean> {
  for (const name of PUBLISHED) cpSync(name, join(BUILT, name), { recursive: true });
  return run(process.execPath, ['scripts/build.ts', BUILT]);
}

async function runTests(testFiles: readonly string[]): Promise<boolean> {
  const s3 = testFiles.some((file) => S3_USERS.test(file)) ? await startS3() : undefined;
  if (testFiles.some((file) => BUILD_TOOL_USERS.test(file))) await installBuildTools();
  try {
    const env = {
      ...process.env,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      [BUILT_VARIABLE]: BUILT,
      ...(s3 && { [TEST_S3_VARIABLE]: s3.announcement }),
    };
    return await run(
      process.execPath,
      [
        '--test',
        `--test-concurrency=${CONCURRENCY}`,
        '--test-reporter=dot',
        '--test-reporter-destination=stdout',
        ...testFiles,
      ],
      { env },
    );
  } finally {
    await s3?.stop();
  }
}

async function startS3(): Promise<{ announcement: string; stop: () => Promise<void> }> {
  console.log('starting Ceph radosgw for the S3 tests…');
  const started = await Radosgw.start();
  if ('skip' in started) {
    skipped.push(`S3 tests ${started.skip}`);
    return { announcement: started.skip, stop: async () => {} };
  }
  return { announcement: JSON.stringify(started.server), stop: () => started[Symbol.asyncDispose]() };
}

async function step(name: string, work: () => Promise<boolean>): Promise<void> {
  console.log(`\n── ${name}`);
  const startedAt = performance.now();
  const passed = await work();
  steps.push({ name, passed, seconds: (performance.now() - startedAt) / 1000 });
}

function run(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    child.once('error', (error) => {
      console.error(error.message);
      resolve(false);
    });
    child.once('exit', (code) => resolve(code === 0));
  });
}

function chooseFiles(): readonly string[] {
  if (chosen[0] === '--slow-clients') return SLOW_CLIENTS;
  if (chosen.length > 0) return filesOf(chosen);
  return filesOf(FOLDERS).filter((file) => !SLOW_CLIENTS.includes(file));
}

function filesOf(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (existsSync(path) && statSync(path).isDirectory()) return globSync(`${path}/**/*.test.ts`).sort();
    return [path];
  });
}
