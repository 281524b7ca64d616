/**
 * How many negotiations does one core answer, and how late are the latest? Beside a bare `node:http`
 * server that compares a token, stats one file and writes a constant: what the platform costs without us.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchServer, BenchServers, type LoadResult, loadHttp } from './http-load.ts';
import { median, table } from './results.ts';

const CONNECTIONS = 32;
const WARM_UP_MS = 1_500;
const ROUND_MS = 3_000;
const ROUNDS = 4;
const TOKEN = 'bench-token-0123456789';
const BARE = `
import { createServer } from 'node:http';
import { stat } from 'node:fs';
import { timingSafeEqual, createHash } from 'node:crypto';
const sha = (t) => createHash('sha256').update(t).digest();
const token = sha('Bearer ${TOKEN}');
createServer((q, r) => {
  if (!timingSafeEqual(token, sha(q.headers.authorization ?? ''))) { r.writeHead(401).end(); return; }
  const parts = [];
  q.on('data', (c) => parts.push(c)).on('end', () => {
    JSON.parse(Buffer.concat(parts).toString());
    stat(process.argv[2], () => {
      const body = JSON.stringify({ status: 'missing' });
      r.writeHead(200, ['content-type', 'application/json', 'content-length', String(body.length)]).end(body);
    });
  });
}).listen(0, '127.0.0.1', function () { console.log(JSON.stringify({ message: 'listening', url: 'http://127.0.0.1:' + this.address().port })); });
`;

const folder = mkdtempSync(join(tmpdir(), 'velocity-bench-'));
const servers = new BenchServers();
try {
  writeFileSync(join(folder, 'bare.mjs'), BARE);
  const env = {
    VC_HOST: '127.0.0.1',
    VC_PORT: '0',
    VC_AUTH_TOKEN: TOKEN,
    VC_LOCAL_ROOT: join(folder, 'data'),
    VC_LOG_REQUESTS: 'errors',
  };
  const ours = await servers.start([join('bin', 'velocity.js'), 'serve'], env);
  const bare = await servers.start([join(folder, 'bare.mjs'), join(folder, 'bare.mjs')], {});
  const stored = await storeOne(ours.url);

  const missing = { hash: sha(randomBytes(8)), action: 'download' };
  const batch = {
    items: Array.from({ length: 100 }, () => ({ hash: sha(randomBytes(8)), action: 'download' })),
  };
  const contests: [string, BenchServer, unknown][] = [
    ['velocity, found', ours, { hash: stored, action: 'download' }],
    ['velocity, missing', ours, missing],
    ['velocity, upload', ours, { hash: sha(randomBytes(8)), action: 'upload' }],
    ['velocity, batch of 100 (requests)', ours, batch],
    ['bare node:http', bare, missing],
  ];
  const results = new Map(contests.map(([name]) => [name, [] as LoadResult[]]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, server, body] of contests) {
      const result = await load(server, body, round < 0 ? WARM_UP_MS : ROUND_MS);
      if (round >= 0) results.get(name)?.push(result);
    }
  }
  const rate = (name: string): number => median((results.get(name) ?? []).map(({ perSecond }) => perSecond));
  const rows = contests.map(([name]) => {
    const p99 = median((results.get(name) ?? []).map(({ p99Ms }) => p99Ms));
    return [
      name,
      Math.round(rate(name)).toLocaleString('en'),
      `${p99.toFixed(1)} ms`,
      `${Math.round(median((results.get(name) ?? []).map(({ cpuMicros }) => cpuMicros)))} µs`,
      `${(rate(name) / rate('bare node:http')).toFixed(2)} ×`,
    ];
  });
  console.log(
    `${CONNECTIONS} connections, server and load on a core each, medians of ${ROUNDS} rounds of ${ROUND_MS / 1000} s in turn.\n`,
  );
  console.log(table([['server', 'requests/s', 'p99', 'processor time', 'beside bare node:http'], ...rows]));
} finally {
  servers[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
}

/** Keeps every connection busy with one question at a time. */
function load({ url, pid }: BenchServer, body: unknown, ms: number): Promise<LoadResult> {
  const { host } = new URL(url);
  const payload = JSON.stringify(body);
  const request = Buffer.from(
    `POST /v1/negotiate HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: ${payload.length}\r\n\r\n${payload}`,
  );
  return loadHttp(url, { request: () => request, connections: CONNECTIONS, ms, pid });
}

async function storeOne(url: string): Promise<string> {
  const hash = sha('stored');
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const reply = await fetch(`${url}/v1/negotiate`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ hash, action: 'upload' }),
  });
  const grant = (await reply.json()) as { url: string; headers: Record<string, string> };
  await fetch(grant.url, { method: 'PUT', headers: grant.headers, body: 'stored' });
  return hash;
}

function sha(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
