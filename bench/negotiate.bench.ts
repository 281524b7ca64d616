/**
 * How many negotiations does one core answer, and how late are the latest? Beside a bare `node:http`
 * server that compares a token, stats one file and writes a constant: what the platform costs without us.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
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
const servers: ChildProcess[] = [];
try {
  pin(process.pid, 1);
  writeFileSync(join(folder, 'bare.mjs'), BARE);
  const env = {
    VC_HOST: '127.0.0.1',
    VC_PORT: '0',
    VC_AUTH_TOKEN: TOKEN,
    VC_LOCAL_ROOT: join(folder, 'data'),
    VC_LOG_REQUESTS: 'errors',
  };
  const ours = await start([join('bin', 'velocity.js'), 'serve'], env);
  const bare = await start([join(folder, 'bare.mjs'), join(folder, 'bare.mjs')], {});
  const stored = await storeOne(ours);

  const missing = { hash: sha(randomBytes(8)), action: 'download' };
  const batch = {
    items: Array.from({ length: 100 }, () => ({ hash: sha(randomBytes(8)), action: 'download' })),
  };
  const contests: [string, string, unknown][] = [
    ['velocity, found', ours, { hash: stored, action: 'download' }],
    ['velocity, missing', ours, missing],
    ['velocity, upload', ours, { hash: sha(randomBytes(8)), action: 'upload' }],
    ['velocity, batch of 100 (requests)', ours, batch],
    ['bare node:http', bare, missing],
  ];
  const results = new Map(contests.map(([name]) => [name, [] as Result[]]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, url, body] of contests) {
      const result = await load(url, body, round < 0 ? WARM_UP_MS : ROUND_MS);
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
      `${(rate(name) / rate('bare node:http')).toFixed(2)} ×`,
    ];
  });
  console.log(
    `${CONNECTIONS} connections, server and load on a core each, medians of ${ROUNDS} rounds of ${ROUND_MS / 1000} s in turn.\n`,
  );
  console.log(table([['server', 'requests/s', 'p99', 'beside bare node:http'], ...rows]));
} finally {
  for (const server of servers) server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

interface Result {
  readonly perSecond: number;
  readonly p99Ms: number;
}

/** Keeps every connection busy with one request at a time. */
async function load(url: string, body: unknown, ms: number): Promise<Result> {
  const { hostname, port, host } = new URL(url);
  const payload = JSON.stringify(body);
  const request = Buffer.from(
    `POST /v1/negotiate HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: ${payload.length}\r\n\r\n${payload}`,
  );
  const latencies: number[] = [];
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, () =>
      keepBusy(connect({ host: hostname, port: Number(port) }), request, startedAt + ms, latencies),
    ),
  );
  latencies.sort((a, b) => a - b);
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    perSecond: latencies.length / seconds,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
  };
}

function keepBusy(socket: Socket, request: Buffer, until: number, latencies: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0;
    let received = '';
    const send = (): void => {
      if (performance.now() > until) {
        socket.destroy();
        resolve();
        return;
      }
      sentAt = performance.now();
      socket.write(request);
    };
    socket.setNoDelay(true);
    socket.once('connect', send);
    socket.once('error', reject);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const headEnd = received.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (received.length < headEnd + 4 + length) return;
      if (!received.startsWith('HTTP/1.1 200')) reject(new Error(received.slice(0, headEnd)));
      received = '';
      latencies.push(performance.now() - sentAt);
      send();
    });
  });
}

async function start(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  servers.push(child);
  pin(child.pid ?? 0, 0);
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const url = /"url":"([^"]+)"/.exec(text)?.[1];
      if (url) resolve(url);
    });
    child.once('exit', () => reject(new Error('a server ended')));
  });
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

/** A core for the server and one for the load, where the machine has two. */
function pin(pid: number, core: number): void {
  if (cpus().length > 1)
    spawn('taskset', ['-pc', String(core), String(pid)], { stdio: 'ignore' }).on('error', () => {});
}

function sha(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
