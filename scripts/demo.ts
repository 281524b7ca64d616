/**
 * The main job, for real: a cold build of examples/shop with its real compilers, then the same build
 * from the remote cache, then one changed file. Everything happens in a temporary folder and on 127.0.0.1.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  cpSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const VELOCITY = join(ROOT, 'bin', 'velocity.js');
const TASKS = ['build', 'test'];
/** One colour of the shop: it reaches the components and the web page, and nothing else. */
const CHANGED_FILE = 'packages/design-tokens/tokens.json';

const token = randomBytes(24).toString('hex');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'velocity-demo-')));
const shop = join(folder, 'shop');
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

interface Run {
  readonly name: string;
  readonly seconds: number;
  readonly summary: string;
  readonly ran: readonly string[];
}

try {
  await main();
} catch (error) {
  console.error(`\ndemo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  say('1. a copy of examples/shop with its own compilers installed');
  cpSync(join(ROOT, 'examples', 'shop'), shop, {
    recursive: true,
    filter: (path) => !['node_modules', 'dist', '.velocity'].includes(basename(path)),
  });
  command('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  command('git', ['init', '-q']);
  command('git', ['add', '-A']);
  command('git', ['-c', 'user.email=demo@example.com', '-c', 'user.name=demo', 'commit', '-q', '-m', 'shop']);

  say('2. the gateway, on the local disk driver');
  const gateway = await startGateway();
  console.log(`   listening on ${gateway.url}`);
  try {
    say(`3. a cold build: velocity run ${TASKS.join(' ')}`);
    const cold = await run('cold', gateway.url);
    const built = outputDigests();

    say('4. outputs and local cache wiped, the same again');
    wipe();
    const restored = await run('from the remote', gateway.url);
    const same = compare(built, outputDigests());
    console.log(`   ${same} outputs, each byte-equal to the cold build’s`);
    if (restored.ran.length > 0)
      throw new Error(`nothing should have run, but these did: ${restored.ran.join(', ')}`);

    say(`5. one file changed: ${CHANGED_FILE}`);
    changeColour();
    const changed = await run('one file changed', gateway.url);
    for (const id of changed.ran) console.log(`   ran  ${id}`);

    say('the three runs');
    table([cold, restored, changed]);
  } finally {
    const exitCode = await gateway.stop();
    say(`the gateway has stopped with exit code ${exitCode}`);
    if (exitCode !== 0) process.exitCode = 1;
  }
}

async function run(name: string, url: string): Promise<Run> {
  const startedAt = performance.now();
  const { exitCode, stderr } = await velocity(['run', ...TASKS, '--output-logs=errors-only'], url);
  const seconds = (performance.now() - startedAt) / 1000;
  const lines = stripVTControlCharacters(stderr).trim().split('\n');
  const warnings = lines.filter((line) => line.startsWith('warning:'));
  if (exitCode !== 0 || warnings.length > 0)
    throw new Error(`velocity run ended with ${exitCode}:\n${stderr}`);
  const summary = lines.at(-1) ?? '';
  console.log(`   ${summary}`);
  return { name, seconds, summary, ran: lines.flatMap((line) => /^(\S+): ran in /.exec(line)?.[1] ?? []) };
}

function velocity(args: readonly string[], url: string): Promise<{ exitCode: number; stderr: string }> {
  const env = {
    ...process.env,
    VELOCITY_REMOTE_URL: url,
    VELOCITY_TOKEN: token,
    NODE_TEST_CONTEXT: undefined,
    CI: undefined,
  };
  const child = spawn(process.execPath, [VELOCITY, ...args], {
    cwd: shop,
    env,
    stdio: ['ignore', 'inherit', 'pipe'],
    signal: interrupted.signal,
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? 1, stderr }));
  });
}

async function startGateway(): Promise<{ url: string; stop: () => Promise<number | null> }> {
  const env = {
    ...process.env,
    VC_AUTH_TOKEN: token,
    VC_HOST: '127.0.0.1',
    VC_PORT: '0',
    VC_LOCAL_ROOT: join(folder, 'data'),
  };
  const child = spawn(process.execPath, [VELOCITY, 'serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  let log = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      const listening = /"url":"([^"]+)","driver/.exec(log)?.[1];
      if (listening) resolve(listening);
    });
    closed.then((code) => reject(new Error(`the gateway ended with exit code ${code}`)));
  });
  return {
    url,
    stop: () => {
      child.kill('SIGTERM');
      return closed;
    },
  };
}

function wipe(): void {
  command('git', ['clean', '-fdxq', '-e', 'node_modules']);
}

/** All that git ignores or does not know, but for what was installed: what the tasks made. */
function outputDigests(): Map<string, string> {
  const listing = command('git', ['ls-files', '--others', '-z']);
  const paths = listing
    .split('\0')
    .filter((path) => path !== '' && !/(^|\/)(node_modules|\.velocity)\//.test(path));
  return new Map(
    paths.sort().map((path) => {
      const absolute = join(shop, path);
      const stats = lstatSync(absolute);
      const content = stats.isSymbolicLink() ? readlinkSync(absolute) : readFileSync(absolute);
      return [
        path,
        `${(stats.mode & 0o777).toString(8)} ${createHash('sha256').update(content).digest('hex')}`,
      ];
    }),
  );
}

function compare(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): number {
  const all = new Set([...before.keys(), ...after.keys()]);
  const different = [...all].filter((path) => before.get(path) !== after.get(path));
  if (different.length > 0 || all.size === 0)
    throw new Error(
      `these outputs differ from the cold build’s: ${different.join(', ') || 'there are none'}`,
    );
  return all.size;
}

function changeColour(): void {
  const path = join(shop, CHANGED_FILE);
  const text = readFileSync(path, 'utf8');
  const changed = text.replace(/("surface": ")#[0-9a-f]{6}/i, '$1#f3f5f4');
  if (changed === text) throw new Error(`${CHANGED_FILE} has no colour "surface" to change`);
  writeFileSync(path, changed);
}

function command(program: string, args: readonly string[]): string {
  return execFileSync(program, args, {
    cwd: shop,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1e9,
  });
}

function table(runs: readonly Run[]): void {
  const [first] = runs;
  for (const { name, seconds, summary } of runs) {
    const ratio = first && seconds > 0 ? `${(first.seconds / seconds).toFixed(1)} ×` : '';
    console.log(
      `   ${name.padEnd(18)} ${seconds.toFixed(2).padStart(7)} s  ${ratio.padStart(7)}   ${summary.replace(/ · [\d.]+ m?s\b(?= ·|$)/, '')}`,
    );
  }
}

function say(text: string): void {
  console.log(`\n── ${text}`);
}
