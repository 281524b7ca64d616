/**
 * The folder of files beside nginx with WebDAV on the same disk: large bodies in and out, small ones with the journal on, and
 * what is asked of a journal of a million entries.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../src/base/clock.ts';
import { digestOf } from '../src/base/digest.ts';
import type { FilePath } from '../src/files/file-path.ts';
import { openFileJournal } from '../src/files/journal/file-journal.ts';
import { ensureDebian } from '../test/rig/debian.ts';
import { freePort } from '../test/rig/free-port.ts';
import { type BenchServer, BenchServers, type LoadResult, loadHttp } from './http-load.ts';
import { startNginx } from './nginx.ts';
import { median, table } from './results.ts';

const MIB = 1024 ** 2;
const LARGE_BYTES = 256 * MIB;
const ROUNDS = 5;
const WARM_ROUNDS = 2;
const TOKEN = 'bench-token-0123456789';
const SMALL_BYTES = 1024;
const SMALL_MS = 4_000;
/** Node makes code fast while it runs, on the same core; and the folders are made. */
const WARM_MS = 10_000;
const SMALL_CONNECTIONS = 16;
const ENTRIES = 1_000_000;
const ENTRIES_AT_ONCE = 1000;
const PATHS = 50_000;
const LOOK_UPS = 2000;

const tools = await ensureDebian({ programs: ['curl', 'nginx'], packages: ['curl', 'nginx-light'] });
if (tools !== 'ready') throw new Error(tools.skip);
const folder = mkdtempSync(join(tmpdir(), 'velocity-bench-'));
const servers = new BenchServers();
try {
  const body = randomBytes(LARGE_BYTES);
  const source = join(folder, 'body');
  writeFileSync(source, body);
  // Both cores: bytes come in on one while the other digests them.
  const ours = await servers.start([join('bin', 'velocity.js'), 'serve'], env(), undefined, 'all');
  const nginx = await startNginxFiles();
  console.log(await large(ours, nginx, source, body));
  console.log(`\n${await small()}`);
  console.log(`\n${await history()}`);
} finally {
  servers[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
}

async function large(ours: BenchServer, nginx: BenchServer, source: string, body: Buffer): Promise<string> {
  const rates = new Map<string, number[]>();
  const note = (name: string, seconds: number): void =>
    void rates.set(name, [...(rates.get(name) ?? []), LARGE_BYTES / MIB / seconds]);
  for (let round = -WARM_ROUNDS; round < ROUNDS; round++) {
    const [ourNew, nginxNew] = [`${ours.url}/files/new-${round}`, `${nginx.url}/dav/new-${round}`];
    const timed: [string, () => Promise<number> | number][] = [
      ['PUT velocity', () => curl(['-T', source, ourNew])],
      ['PUT nginx', () => curl(['-T', source, nginxNew])],
      // ext4 then sends the new bytes on their way to the disk before the rename is done.
      ['PUT velocity, in place of another', () => curl(['-T', source, `${ours.url}/files/large`])],
      ['PUT nginx, in place of another', () => curl(['-T', source, `${nginx.url}/dav/large`])],
      ['SHA-256 alone', () => hashSeconds(body)],
      ['GET velocity', () => curl([`${ours.url}/files/large`])],
      ['GET nginx', () => curl([`${nginx.url}/dav/large`])],
      ['GET nginx, sendfile off', () => curl([`${nginx.url}/plain/large`])],
    ];
    for (const [name, run] of timed) {
      const seconds = await run();
      if (round >= 0) note(name, seconds);
    }
    for (const url of [ourNew, nginxNew]) await curl(['-X', 'DELETE', url]); // the disk must hold them
  }
  const of = (name: string): number => median(rates.get(name) ?? []);
  const row = (name: string, beside: readonly string[]): string[] => [
    name,
    Math.round(of(name)).toLocaleString('en'),
    beside
      .map((other) => `${(of(name) / of(other)).toFixed(2)} × ${other.replace(/^(PUT|GET) /, '')}`)
      .join(', '),
  ];
  return `256 MiB in one body, both cores, medians of ${ROUNDS} rounds in turn:\n\n${table([
    ['', 'MiB/s', 'beside'],
    row('PUT velocity', ['SHA-256 alone', 'PUT nginx']),
    row('PUT nginx', []),
    row('PUT velocity, in place of another', ['PUT nginx, in place of another']),
    row('PUT nginx, in place of another', []),
    row('SHA-256 alone', []),
    row('GET velocity', ['GET nginx', 'GET nginx, sendfile off']),
    row('GET nginx', []),
    row('GET nginx, sendfile off', []),
  ])}`;
}

async function small(): Promise<string> {
  const ours = await servers.start([join('bin', 'velocity.js'), 'serve'], env('small'));
  const nginx = await startNginxFiles('small');
  let count = 0;
  const body = randomBytes(SMALL_BYTES);
  const bodyOf = (n: number): Buffer => {
    body.writeUInt32BE(n); // no two are the same
    return body;
  };
  const request = (prefix: string): Buffer =>
    Buffer.concat([
      Buffer.from(
        `PUT ${prefix}/${count % 100}/${count++} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: ${body.length}\r\n\r\n`,
      ),
      bodyOf(count),
    ]);
  const contenders = [
    { name: 'velocity, journal on', server: ours, prefix: '/files/small' },
    { name: 'nginx', server: nginx, prefix: '/dav/small' },
  ];
  const rounds = new Map<string, LoadResult[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -1; round < ROUNDS; round++)
    for (const { name, server, prefix } of contenders) {
      const load = { request: () => request(prefix), connections: SMALL_CONNECTIONS, pid: server.pid };
      const result = await loadHttp(server.url, { ...load, ms: round < 0 ? WARM_MS : SMALL_MS });
      if (round >= 0) rounds.get(name)?.push(result);
    }
  const rows = [['', 'PUTs/s', 'p99', 'processor']];
  for (const [name, results] of rounds) {
    const of = (figure: keyof LoadResult): number => median(results.map((result) => result[figure]));
    rows.push([
      name,
      Math.round(of('perSecond')).toLocaleString('en'),
      `${of('p99Ms').toFixed(1)} ms`,
      `${of('cpuMicros').toFixed(0)} µs`,
    ]);
  }
  return `New files of 1 KiB, ${SMALL_CONNECTIONS} connections, server and load on a core each, medians of ${ROUNDS} rounds of ${SMALL_MS / 1000} s in turn after ${WARM_MS / 1000} s each:\n\n${table(rows)}`;
}

async function history(): Promise<string> {
  const state = join(folder, 'journal');
  mkdirSync(state);
  const journal = await openFileJournal({ folder: state, clock: systemClock, onTrouble: () => {} });
  const pathOf = (n: number): FilePath => `cache/${n % 500}/${n}` as FilePath;
  const after = { sha256: digestOf('x'), sizeBytes: 1 };
  const filledAt = performance.now();
  for (let done = 0; done < ENTRIES; done += ENTRIES_AT_ONCE)
    await journal.appendAll(
      Array.from(
        { length: ENTRIES_AT_ONCE },
        (_, i) => ({ op: 'write', path: pathOf((done + i) % PATHS), after }) as const,
      ),
    );
  const fillSeconds = (performance.now() - filledAt) / 1000;
  const middle = Date.now() - fillSeconds * 500;
  const asked: [string, (path: FilePath, n: number) => unknown][] = [
    ['history of a path', (path) => journal.history(path, { limit: 100 })],
    ['revision of a path', (path, n) => journal.revision(path, 1 + (n % 20))],
    ['a path at a moment', (path) => journal.at(path, middle)],
    ['newest entry of a path', (path) => journal.head(path)],
    [
      '100 entries of a folder',
      (_, n) => journal.query({ path: `cache/${n % 500}` as FilePath, limit: 100 }),
    ],
  ];
  const rows = [
    [`${ENTRIES.toLocaleString('en')} entries of ${PATHS.toLocaleString('en')} paths`, 'median', 'p99'],
  ];
  for (const [name, ask] of asked) {
    const times = Array.from({ length: LOOK_UPS }, (_, n) => {
      const startedAt = performance.now();
      ask(pathOf((n * 7919) % PATHS), n);
      return performance.now() - startedAt;
    }).sort((a, b) => a - b);
    rows.push([name, ms(median(times)), ms(times[Math.floor(times.length * 0.99)] ?? Number.NaN)]);
  }
  await journal.close();
  rmSync(join(state, 'index-v1.sqlite'), { force: true });
  for (const more of ['-wal', '-shm']) rmSync(join(state, `index-v1.sqlite${more}`), { force: true });
  const rebuiltAt = performance.now();
  await (await openFileJournal({ folder: state, clock: systemClock, onTrouble: () => {} })).close();
  const rebuildSeconds = (performance.now() - rebuiltAt) / 1000;
  return `${table(rows)}\n\nAppended at ${Math.round(ENTRIES / fillSeconds).toLocaleString('en')} entries/s; the index made anew in ${rebuildSeconds.toFixed(1)} s.`;
}

function ms(value: number): string {
  return `${value.toFixed(3)} ms`;
}

/** Of the transfer alone. */
async function curl(args: readonly string[]): Promise<number> {
  const options = [
    '-sS',
    '-f',
    '-o',
    '/dev/null',
    '-w',
    '%{time_total}',
    '-H',
    `Authorization: Bearer ${TOKEN}`,
    '-H',
    'Expect:',
  ];
  const { stdout } = await promisify(execFile)('curl', [...options, ...args]);
  return Number(stdout);
}

function hashSeconds(body: Buffer): number {
  const startedAt = performance.now();
  const hash = createHash('sha256');
  for (let at = 0; at < body.length; at += MIB) hash.update(body.subarray(at, at + MIB));
  hash.digest();
  return (performance.now() - startedAt) / 1000;
}

function env(name = 'large'): NodeJS.ProcessEnv {
  return {
    VC_HOST: '127.0.0.1',
    VC_PORT: '0',
    VC_AUTH_TOKEN: TOKEN,
    VC_LOCAL_ROOT: join(folder, `${name}-build-cache`),
    VC_FILES_ROOT: join(folder, `${name}-files`),
    VC_FILES_HISTORY_MAX_BODY: name === 'large' ? '0' : '1MiB', // the disk must hold five rounds
    VC_LOG_REQUESTS: 'errors',
  };
}

async function startNginxFiles(name = 'large'): Promise<BenchServer> {
  const [port, home] = [await freePort(), join(folder, `nginx-${name}`)];
  const root = join(home, 'dav');
  mkdirSync(root, { recursive: true });
  const dav = `dav_methods PUT DELETE; create_full_put_path on; client_max_body_size 0;`;
  return startNginx(servers, {
    ...{ home, port },
    server: `location = / { return 204; } location /dav/ { alias ${root}/; ${dav} } location /plain/ { sendfile off; alias ${root}/; }`,
    core: name === 'large' ? 'all' : 0,
  });
}
