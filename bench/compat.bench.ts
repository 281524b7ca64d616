/**
 * Turborepo's protocol on a local folder: how many requests a second does one core answer, and what memory does a large
 * upload take? Beside `turborepo-remote-cache`, which many run, in the same rounds.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildTool, installBuildTools } from '../test/rig/build-tools.ts';
import { freePort } from '../test/rig/free-port.ts';
import { BenchServers, type LoadResult, loadHttp } from './http-load.ts';
import { median, table } from './results.ts';

const CONNECTIONS = 32;
const WARM_UP_MS = 1_500;
const ROUND_MS = 3_000;
const ROUNDS = 4;
const TOKEN = 'bench-token-0123456789';
const BODY = randomBytes(10 * 1024);
/** Below the 100 MiB that the peer takes unless told otherwise. */
const LARGE_BYTES = 90 * 1024 * 1024;

await installBuildTools();
const folder = mkdtempSync(join(tmpdir(), 'velocity-bench-'));
const servers = new BenchServers();
try {
  const ours = await servers.start([join('bin', 'velocity.js'), 'serve'], {
    VC_HOST: '127.0.0.1',
    VC_PORT: '0',
    VC_AUTH_TOKEN: TOKEN,
    VC_LOCAL_ROOT: join(folder, 'ours'),
    VC_LOG_REQUESTS: 'errors',
  });
  const port = await freePort();
  const theirs = await servers.start(
    [buildTool('turborepo-remote-cache/dist/cli.js')],
    {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      TURBO_TOKEN: TOKEN,
      STORAGE_PROVIDER: 'local',
      STORAGE_PATH: join(folder, 'theirs'),
      LOG_LEVEL: 'error',
      ENABLE_STATUS_LOG: 'false',
    },
    `http://127.0.0.1:${port}`,
  );
  const contenders = { velocity: ours, 'turborepo-remote-cache': theirs };

  for (const { url } of Object.values(contenders)) {
    const reply = await fetch(`${url}/v8/artifacts/stored?slug=bench`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/octet-stream' },
      body: BODY,
    });
    if (!reply.ok) throw new Error(`${url} stored nothing: ${reply.status} ${await reply.text()}`);
  }

  const results = new Map<string, LoadResult[]>();
  for (let round = -1; round < ROUNDS; round++)
    for (const method of ['HEAD', 'GET', 'PUT'] as const)
      for (const [name, { url, pid }] of Object.entries(contenders)) {
        const ms = round < 0 ? WARM_UP_MS : ROUND_MS;
        const result = await loadHttp(url, {
          request: requestOf(method, url),
          isHead: method === 'HEAD',
          connections: CONNECTIONS,
          ms,
          pid,
        });
        if (round >= 0) results.set(name + method, [...(results.get(name + method) ?? []), result]);
      }
  const rate = (name: string, method: string): number =>
    median((results.get(name + method) ?? []).map(({ perSecond }) => perSecond));
  const p99 = (name: string, method: string): string =>
    `${median((results.get(name + method) ?? []).map(({ p99Ms }) => p99Ms)).toFixed(1)} ms`;
  const cpu = (name: string, method: string): number =>
    median((results.get(name + method) ?? []).map(({ cpuMicros }) => cpuMicros));
  const shown = (value: number): string => Math.round(value).toLocaleString('en');
  console.log(
    `10 KiB artifacts, ${CONNECTIONS} connections, server and load on a core each, medians of ${ROUNDS} rounds of ${ROUND_MS / 1000} s in turn. Requests/s:\n`,
  );
  console.log(
    table([
      [
        '',
        'velocity',
        'p99',
        'processor',
        'turborepo-remote-cache',
        'p99',
        'processor',
        'ratio',
        'by processor',
      ],
      ...['HEAD', 'GET', 'PUT'].map((method) => {
        const [mine, other] = [rate('velocity', method), rate('turborepo-remote-cache', method)];
        return [
          method,
          shown(mine),
          p99('velocity', method),
          `${Math.round(cpu('velocity', method))} µs`,
          shown(other),
          p99('turborepo-remote-cache', method),
          `${Math.round(cpu('turborepo-remote-cache', method))} µs`,
          `${(mine / other).toFixed(1)} ×`,
          `${(cpu('turborepo-remote-cache', method) / cpu('velocity', method)).toFixed(1)} ×`,
        ];
      }),
    ]),
  );

  const rows: string[][] = [];
  for (const [name, { url, pid }] of Object.entries(contenders)) {
    const before = peakMiB(pid);
    const startedAt = performance.now();
    const reply = await fetch(`${url}/v8/artifacts/large?slug=bench`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/octet-stream' },
      body: Buffer.alloc(LARGE_BYTES, BODY),
    });
    const seconds = (performance.now() - startedAt) / 1000;
    if (!reply.ok) throw new Error(`${url}: ${reply.status} ${await reply.text()}`);
    rows.push([
      name,
      `${Math.round(LARGE_BYTES / 2 ** 20 / seconds)} MiB/s`,
      `${before} MiB`,
      `${peakMiB(pid)} MiB`,
    ]);
  }
  console.log(`\nOne upload of ${LARGE_BYTES / 2 ** 20} MiB after that:\n`);
  console.log(table([['', 'speed', 'peak memory before', 'peak memory after'], ...rows]));
} finally {
  servers[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
}

/** The same entry each time for reads, another one for each write. */
function requestOf(method: 'HEAD' | 'GET' | 'PUT', url: string): () => Buffer {
  const head = (hash: string, more: string): string =>
    `${method} /v8/artifacts/${hash}?slug=bench HTTP/1.1\r\nHost: ${new URL(url).host}\r\nAuthorization: Bearer ${TOKEN}\r\n${more}\r\n`;
  if (method === 'PUT') {
    const more = `Content-Type: application/octet-stream\r\nContent-Length: ${BODY.length}\r\n`;
    return () => Buffer.concat([Buffer.from(head(randomBytes(8).toString('hex'), more)), BODY]);
  }
  const request = Buffer.from(head('stored', ''));
  return () => request;
}

/** The most that a process held so far. */
function peakMiB(pid: number): number {
  const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib ?? 0) / 1024);
}
