/**
 * The object gateway's hot reads: from memory beside nginx `proxy_cache` and plain `node:http`, and from the disk tier
 * beside nginx's static files. One core each, in the same rounds.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePresignKeys } from '../src/auth/presign-keys.ts';
import { signPath } from '../src/auth/presigned-path.ts';
import { ensureDebian } from '../test/rig/debian.ts';
import { freePort } from '../test/rig/free-port.ts';
import { type BenchServer, BenchServers, type LoadResult, loadWithWrk } from './http-load.ts';
import { startNginx } from './nginx.ts';
import { median, table } from './results.ts';

const CONNECTIONS = 32;
const WARM_UP_SECONDS = 1;
const SECONDS = 2;
const ROUNDS = 5;
const TOKEN = 'bench-token-0123456789';
const SIZES = { '1 KiB': 1024, '10 KiB': 10 * 1024, '1 MiB': 1024 ** 2 };
/** Of bodies that take long: with many, none would be done within a round. */
const DISK_CONNECTIONS = 4;
/** Larger than what the second gateway keeps in memory. */
const DISK_SIZES = { '1 MiB': 1024 ** 2, '16 MiB': 16 * 1024 ** 2 };

interface Contender {
  readonly name: string;
  readonly server: BenchServer;
  readonly urlOf: (size: number) => string;
  readonly headers: Readonly<Record<string, string>>;
}

const tools = await ensureDebian({ programs: ['wrk', 'nginx'], packages: ['wrk', 'nginx-light'] });
if (tools !== 'ready') throw new Error(tools.skip);
const folder = mkdtempSync(join(tmpdir(), 'velocity-bench-'));
const servers = new BenchServers();
const keys = generatePresignKeys();
const authorization = { Authorization: `Bearer ${TOKEN}` };

try {
  const [plain, hot, cold, nginx] = [
    await startPlain(),
    await startGateway('hot', '64MiB'),
    await startGateway('cold', '64KiB'),
    await freePort(),
  ];
  for (const size of new Set([...Object.values(SIZES), ...Object.values(DISK_SIZES)])) {
    const body = randomBytes(size);
    await put(`${hot.url}/bench/${size}`, body);
    await put(`${cold.url}/bench/${size}`, body);
  }
  const peer = await startNginxPeer(nginx, plain.url);

  console.log(
    `${CONNECTIONS} connections of wrk, server and load on a core each, medians of ${ROUNDS} rounds of ${SECONDS} s in turn. Requests/s:\n`,
  );
  await compare(
    Object.entries(SIZES),
    [
      { name: 'bearer', server: hot, urlOf: (size) => `${hot.url}/bench/${size}`, headers: authorization },
      { name: 'presigned', server: hot, urlOf: (size) => signed(hot.url, size), headers: {} },
      { name: 'nginx proxy_cache', server: peer, urlOf: (size) => `${peer.url}/cached/${size}`, headers: {} },
      { name: 'node:http', server: plain, urlOf: (size) => `${plain.url}/${size}`, headers: {} },
    ],
    'nginx proxy_cache',
    CONNECTIONS,
  );
  console.log(
    `\nFrom the disk tier, every block checked within a minute, beside static files; ${DISK_CONNECTIONS} connections:\n`,
  );
  await compare(
    Object.entries(DISK_SIZES),
    [
      {
        name: 'disk tier',
        server: cold,
        urlOf: (size) => `${cold.url}/bench/${size}`,
        headers: authorization,
      },
      { name: 'nginx static', server: peer, urlOf: (size) => `${peer.url}/static/${size}`, headers: {} },
    ],
    'nginx static',
    DISK_CONNECTIONS,
  );
} finally {
  servers[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
}

async function compare(
  sizes: readonly (readonly [string, number])[],
  contenders: readonly Contender[],
  beside: string,
  connections: number,
): Promise<void> {
  const results = new Map<string, LoadResult[]>();
  for (let round = -1; round < ROUNDS; round++)
    for (const [, size] of sizes)
      for (const { name, server, urlOf, headers } of contenders) {
        const seconds = round < 0 ? WARM_UP_SECONDS : SECONDS;
        const load = { connections, seconds, headers, pid: server.pid };
        const result = await loadWithWrk(urlOf(size), load);
        if (round >= 0) results.set(name + size, [...(results.get(name + size) ?? []), result]);
      }
  const of = (name: string, size: number, what: keyof LoadResult): number =>
    median((results.get(name + size) ?? []).map((result) => result[what]));
  console.log(
    table([
      [
        '',
        ...contenders.flatMap(({ name }) => [
          name,
          'p99',
          'processor',
          ...(name === beside ? [] : ['ratio']),
        ]),
      ],
      ...sizes.map(([title, size]) => [
        title,
        ...contenders.flatMap(({ name }) => [
          Math.round(of(name, size, 'perSecond')).toLocaleString('en'),
          `${of(name, size, 'p99Ms').toFixed(1)} ms`,
          `${of(name, size, 'cpuMicros').toFixed(1)} µs`,
          ...(name === beside
            ? []
            : [`${(of(name, size, 'perSecond') / of(beside, size, 'perSecond')).toFixed(2)} ×`]),
        ]),
      ]),
    ]),
  );
}

async function startPlain(): Promise<BenchServer> {
  const port = await freePort();
  const sizes = [...Object.values(SIZES), ...Object.values(DISK_SIZES)].map(String);
  return servers.start(
    [join('bench', 'plain-server.ts'), String(port), ...sizes],
    {},
    `http://127.0.0.1:${port}`,
  );
}

async function startGateway(name: string, maxMemory: string): Promise<BenchServer> {
  const file = join(folder, `${name}.yml`);
  const config = {
    listen: '127.0.0.1:0',
    auth: { public_key: keys.publicKey, bearer_token: TOKEN },
    cache: {
      max_memory: maxMemory,
      max_object_size: '64MiB',
      max_disk: '1GiB',
      disk_path: join(folder, `${name}-disk`),
    },
    stores: { bench: { type: 'local', root: join(folder, `${name}-bucket`) } },
    log: { requests: 'errors' },
  };
  writeFileSync(file, JSON.stringify(config)); // which is YAML too
  return servers.start([join('bin', 'velocity.js'), 'serve', '--config', file], {});
}

function startNginxPeer(port: number, origin: string): Promise<BenchServer> {
  const root = join(folder, 'static');
  mkdirSync(root);
  for (const size of Object.values(DISK_SIZES)) writeFileSync(join(root, String(size)), randomBytes(size));
  return startNginx(servers, {
    home: join(folder, 'nginx'),
    port,
    http: `proxy_cache_path ${join(folder, 'cache')} keys_zone=hot:10m max_size=1g inactive=60m use_temp_path=off;`,
    server: `location /cached/ { proxy_pass ${origin}/; proxy_cache hot; proxy_cache_lock on; }
    location /static/ { alias ${root}/; }`,
  });
}

async function put(url: string, body: Buffer): Promise<void> {
  const reply = await fetch(url, { method: 'PUT', headers: authorization, body: new Uint8Array(body) });
  if (!reply.ok) throw new Error(`${url}: ${reply.status} ${await reply.text()}`);
}

function signed(url: string, size: number): string {
  const path = { method: 'GET', bucket: 'bench', path: String(size) } as const;
  return `${url}/bench/${size}?sig=${signPath(path, Date.now() + 3600_000, keys.privateKey)}`;
}
