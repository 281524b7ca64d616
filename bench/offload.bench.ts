/**
 * A built binary of 1 GiB that is kept, to 20 clients at once, through the proxy whose origin asks for the build, beside nginx
 * that serves the same file; how much memory that takes; and how long the first byte of a kept binary takes.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureDebian } from '../test/rig/debian.ts';
import { freePort } from '../test/rig/free-port.ts';
import { BenchServers } from './http-load.ts';
import { startNginx } from './nginx.ts';
import { median, table } from './results.ts';

const CLIENTS = 20;
const ROUNDS = 3;
const FIRST_BYTES = 200;
const MIB = 2 ** 20;
const SIZES = { large: 1024 * MIB, usual: 60 * MIB };

const tools = await ensureDebian({ programs: ['curl', 'nginx'], packages: ['curl', 'nginx-light'] });
if (tools !== 'ready') throw new Error(tools.skip);
const folder = mkdtempSync(join(tmpdir(), 'velocity-bench-'));
const servers = new BenchServers();
const run = promisify(execFile);

/** Both the origin that asks for a build and the build server that is done with it at once. */
const peer = createServer((request, response) => {
  const size = request.url?.slice(1) ?? '';
  if (request.method === 'GET') {
    response.writeHead(200, { 'X-Velox-Build': 'true', 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ rr_version: 'v1.0.0', plugins: [{ module_name: size, tag: 'v1' }] }));
    return;
  }
  let asked = '';
  request.setEncoding('utf8').on('data', (text: string) => {
    asked += text;
  });
  request.on('end', () => {
    const { plugins } = JSON.parse(asked) as { plugins: { module_name: string }[] };
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ path: join(folder, 'built', plugins[0]?.module_name ?? ''), logs: '' }));
  });
});

try {
  for (const [name, bytes] of Object.entries(SIZES)) writeBinary(name, bytes);
  await new Promise<void>((listening) => peer.listen(0, '127.0.0.1', listening));
  const origin = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`;
  const ours = await startProxy(origin);
  for (const name of Object.keys(SIZES)) await curl(`${ours.url}/${name}`); // now they are kept
  const [kept = ''] = readdirSync(join(folder, 'kept')).filter((name) => name.endsWith('.bin'));
  if (kept === '') throw new Error('nothing was kept');
  const nginx = await startNginx(servers, {
    home: join(folder, 'nginx'),
    port: await freePort(),
    server: `location = / { return 204; } location / { root ${join(folder, 'built')}; } location /plain/ { sendfile off; alias ${join(folder, 'built')}/; }`,
  });
  console.log(
    `1 GiB to ${CLIENTS} clients at once (curl), each server on one core and the clients on the other, medians of ${ROUNDS} rounds in turn.\n`,
  );
  const before = residentMib(ours.pid);
  const peak = watchResident(ours.pid);
  const speeds = await compareRounds([
    ['velocity proxy', `${ours.url}/large`],
    ['nginx', `${nginx.url}/large`],
    ['nginx, sendfile off', `${nginx.url}/plain/large`],
  ]);
  const most = peak();
  const [own = Number.NaN] = speeds.map(([, speed]) => speed);
  console.log(
    table([
      ['', 'MB/s', 'velocity proxy / it'],
      ...speeds.map(([name, speed]) => [
        name,
        Math.round(speed).toLocaleString('en'),
        `${(own / speed).toFixed(2)} ×`,
      ]),
    ]),
  );
  console.log(
    `\nResident memory of the proxy: ${before} MiB before, ${most} MiB at most while it sent ${CLIENTS * ROUNDS} GiB.\n`,
  );
  console.log(`First byte of a kept binary of 60 MiB, ${FIRST_BYTES} requests one after another, ms:\n`);
  const rows: string[][] = [['', 'median', 'p99']];
  for (const [name, url] of [
    ['velocity proxy', `${ours.url}/usual`],
    ['nginx', `${nginx.url}/usual`],
  ] as const) {
    const times = await firstBytes(url);
    rows.push([name, median(times).toFixed(2), (times.at(Math.floor(times.length * 0.99)) ?? 0).toFixed(2)]);
  }
  console.log(table(rows));
} finally {
  servers[Symbol.dispose]();
  peer.close();
  peer.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
}

function writeBinary(name: string, bytes: number): void {
  mkdirSync(join(folder, 'built'), { recursive: true });
  const file = openSync(join(folder, 'built', name), 'w');
  const block = Buffer.alloc(MIB, name);
  for (let written = 0; written < bytes; written += MIB) writeSync(file, block);
}

async function startProxy(origin: string) {
  const env = {
    VC_PROXY_ADMIN_SOCKET: join(folder, 'admin.sock'),
    VC_BUILDS_SERVER_URL: origin,
    VC_BUILDS_OUTPUT_FOLDERS: join(folder, 'built'),
    VC_BUILDS_CACHE_ENABLED: 'true',
    VC_BUILDS_CACHE_DIRECTORY: join(folder, 'kept'),
  };
  const port = String(await freePort());
  const args = ['proxy', '-p', port, '-b', origin, '--log-requests', 'errors'];
  return servers.start([join('bin', 'velocity.js'), ...args], env);
}

async function curl(url: string): Promise<void> {
  await run('curl', ['-sSf', '-o', '/dev/null', url]);
}

/** MB/s of all clients together. */
async function compareRounds(
  contenders: readonly (readonly [name: string, url: string])[],
): Promise<(readonly [string, number])[]> {
  const speeds = new Map<string, number[]>(contenders.map(([name]) => [name, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, url] of contenders) {
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: CLIENTS }, () => curl(url)));
      const seconds = (performance.now() - startedAt) / 1000;
      speeds.get(name)?.push((CLIENTS * SIZES.large) / 1e6 / seconds);
    }
  return [...speeds].map(([name, of]) => [name, median(of)] as const);
}

function residentMib(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kib) / 1024);
}

/** @returns ends it, with the most that was seen */
function watchResident(pid: number): () => number {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, residentMib(pid));
  }, 50);
  return () => {
    clearInterval(timer);
    return most;
  };
}

/** In ascending order. */
async function firstBytes(url: string): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < FIRST_BYTES; n++) {
    const startedAt = performance.now();
    await new Promise<void>((resolve, reject) => {
      const asking = get(url, { agent: false }, (response) => {
        response.once('data', () => {
          times.push(performance.now() - startedAt);
          asking.destroy();
          resolve();
        });
      });
      asking.once('error', reject);
    });
  }
  return times.sort((a, b) => a - b);
}
