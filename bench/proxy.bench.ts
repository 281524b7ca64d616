/**
 * The HTTP caching proxy beside nginx `proxy_cache` and Varnish, all before the same origin: fresh hits, without and with a
 * policy on every request, misses that are stored, and both in turn. One core each, in the same rounds.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileAssemblyScript } from '../test/rig/compile-policy.ts';
import { ensureDebian } from '../test/rig/debian.ts';
import { freePort } from '../test/rig/free-port.ts';
import { type BenchServer, BenchServers, type LoadResult, loadWithWrk } from './http-load.ts';
import { startNginx } from './nginx.ts';
import { median, table } from './results.ts';

const CONNECTIONS = 32;
/** A server runs for days: what Node makes fast while it runs is to be fast. */
const WARM_UP_SECONDS = 5;
const SECONDS = 2;
const ROUNDS = 5;
const SIZES = { '1 KiB': 1024, '10 KiB': 10 * 1024 };
const MEMORY = '256MiB';

interface Contender {
  readonly name: string;
  readonly server: BenchServer;
}

const tools = await ensureDebian({
  programs: ['wrk', 'nginx', 'varnishd'],
  packages: ['wrk', 'nginx-light', 'varnish'],
});
if (tools !== 'ready') throw new Error(tools.skip);
const folder = mkdtempSync(join(tmpdir(), 'velocity-bench-'));
const servers = new BenchServers();

try {
  const policy = join(folder, 'policy.wasm');
  writeFileSync(policy, await compileAssemblyScript('examples/policies/devices.ts'));
  const bent = join(folder, 'static-files.wasm');
  writeFileSync(bent, await compileAssemblyScript('examples/policies/static-files.ts'));
  const origin = await startNginxOrigin();
  const ours = { name: 'velocity proxy', server: await startProxy(origin.url) };
  const oneHook = { name: 'one hook', server: await startProxy(origin.url, bent) };
  const twoHooks = { name: 'two hooks', server: await startProxy(origin.url, policy) };
  const nginx = { name: 'nginx proxy_cache', server: await startNginxCache(origin.url) };
  const varnish = { name: 'Varnish', server: await startVarnish(origin.url) };

  console.log(
    `${CONNECTIONS} connections of wrk, each proxy on one core, load and origin on the other, medians of ${ROUNDS} rounds of ${SECONDS} s in turn.\n`,
  );
  console.log('Fresh hits, requests/s:\n');
  const peers = [ours, nginx, varnish];
  await compare(peers, [ours, [nginx, varnish]], (size) => ({ path: `/${size}/hot` }));
  console.log('\nFresh hits with a policy on every request (AssemblyScript), requests/s:\n');
  const bending = [ours, oneHook, twoHooks];
  await compare(bending, [oneHook, [ours]], (size) => ({ path: `/${size}/hot` }), [twoHooks, [ours]]);
  console.log('\nMisses, each stored, requests/s:\n');
  let run = 0;
  await compare(peers, [ours, [nginx, varnish]], (size) => {
    const script = join(folder, `miss-${++run}.lua`);
    writeFileSync(
      script,
      `local n = 0\nfunction request() n = n + 1; return wrk.format("GET", "/${size}/${run}-" .. n) end\n`,
    );
    return { path: '/', script };
  });
  console.log('\nNine fresh hits and a miss in turn, on one connection each, requests/s:\n');
  await compare(peers, [ours, [nginx, varnish]], (size) => {
    const script = join(folder, `mixed-${++run}.lua`);
    writeFileSync(
      script,
      `local n = 0\nfunction request()\n  n = n + 1\n  return wrk.format("GET", n % 10 == 0 and "/${size}/${run}-" .. n or "/${size}/hot")\nend\n`,
    );
    return { path: '/', script };
  });
} finally {
  servers[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
}

async function compare(
  contenders: readonly Contender[],
  ratio: readonly [Contender, readonly Contender[]],
  loadOf: (size: number) => { readonly path: string; readonly script?: string },
  ...more: readonly (readonly [Contender, readonly Contender[]])[]
): Promise<void> {
  const results = new Map<string, LoadResult[]>();
  for (let round = -1; round < ROUNDS; round++)
    for (const size of Object.values(SIZES))
      for (const { name, server } of contenders) {
        const { path, script } = loadOf(size);
        const seconds = round < 0 ? WARM_UP_SECONDS : SECONDS;
        const load = { connections: CONNECTIONS, seconds, headers: {}, pid: server.pid, script };
        const result = await loadWithWrk(`${server.url}${path}`, load);
        if (round >= 0) results.set(name + size, [...(results.get(name + size) ?? []), result]);
      }
  const of = (name: string, size: number, what: keyof LoadResult): number =>
    median((results.get(name + size) ?? []).map((result) => result[what]));
  const ratios = [ratio, ...more].flatMap(([one, others]) => others.map((other) => [one, other] as const));
  console.log(
    table([
      [
        '',
        ...contenders.flatMap(({ name }) => [name, 'p99']),
        ...ratios.map(([one, other]) => `${one.name} / ${other.name}`),
      ],
      ...Object.entries(SIZES).map(([title, size]) => [
        title,
        ...contenders.flatMap(({ name }) => [
          Math.round(of(name, size, 'perSecond')).toLocaleString('en'),
          `${of(name, size, 'p99Ms').toFixed(1)} ms`,
        ]),
        ...ratios.map(
          ([one, other]) =>
            `${(of(one.name, size, 'perSecond') / of(other.name, size, 'perSecond')).toFixed(2)} ×`,
        ),
      ]),
    ]),
  );
}

async function startProxy(origin: string, policy?: string): Promise<BenchServer> {
  const port = await freePort();
  const env = { VC_PROXY_ADMIN_SOCKET: join(folder, `${port}.sock`) };
  const args = ['-p', String(port), '-b', origin, '--log-requests', 'errors', '--max-memory', MEMORY];
  const bending = policy === undefined ? [] : ['-w', policy];
  return servers.start([join('bin', 'velocity.js'), 'proxy', ...args, ...bending], env);
}

/** Whatever is asked for is there: `/<bytes>/<anything>`. On the core of the load, which waits for it. */
async function startNginxOrigin(): Promise<BenchServer> {
  const port = await freePort();
  for (const size of Object.values(SIZES)) writeFileSync(join(folder, String(size)), Buffer.alloc(size, 'x'));
  const rules = Object.values(SIZES)
    .map(
      (size) =>
        `location /${size}/ { root ${folder}; try_files /${size} =404; add_header Cache-Control max-age=3600; }`,
    )
    .join('\n');
  const server = `location = / { return 204; } ${rules}`;
  return startNginx(servers, { home: join(folder, 'origin'), port, server, core: 1 });
}

async function startNginxCache(origin: string): Promise<BenchServer> {
  const port = await freePort();
  const cache = `proxy_cache_path ${join(folder, 'cache')} keys_zone=hot:100m max_size=1g inactive=60m use_temp_path=off;
upstream origin { server ${origin.replace('http://', '')}; keepalive 64; }`;
  const server = `location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_cache hot; proxy_cache_lock on; }`;
  return startNginx(servers, { home: join(folder, 'nginx'), port, server, http: cache });
}

async function startVarnish(origin: string): Promise<BenchServer> {
  const port = await freePort();
  const args = ['-F', '-a', `127.0.0.1:${port}`, '-n', join(folder, 'varnish'), '-s', 'malloc,256m'];
  const url = `http://127.0.0.1:${port}`;
  return servers.startProgram('varnishd', [...args, '-b', origin.replace('http://', '')], {}, url);
}
