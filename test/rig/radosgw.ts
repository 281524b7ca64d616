/**
 * A real S3 server on this machine: Ceph's object gateway over one monitor, one manager and
 * one in-memory OSD, from Debian's packages, on loopback, all state in one temporary folder.
 * It refuses second writers (412), checks signatures and never shows a truncated object,
 * which the S3 emulators of the npm registry do not.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { openSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ensureDebian } from './debian.ts';
import { freePort } from './free-port.ts';

const run = promisify(execFile);

export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Its configuration and keyring, which `radosgw-admin` goes by. */
  readonly folder: string;
}

const ACCESS_KEY_ID = 'velocity-test-key';
const SECRET_ACCESS_KEY = 'velocity-test-secret-velocity-test-secret';
const START_TIMEOUT_MS = 120_000;
const OSD_BYTES = 6 * 1024 ** 3;

export const RADOSGW_NEED = {
  programs: ['ceph-mon', 'ceph-mgr', 'ceph-osd', 'radosgw', 'ceph'],
  packages: ['ceph-mon', 'ceph-mgr', 'ceph-osd', 'radosgw', 'ceph-common'],
};

export class Radosgw implements AsyncDisposable {
  readonly server: S3Server;
  readonly #folder: string;
  readonly #processes: readonly ChildProcess[];

  private constructor(server: S3Server, folder: string, processes: readonly ChildProcess[]) {
    this.server = server;
    this.#folder = folder;
    this.#processes = processes;
  }

  /** Takes 15 to 30 s. `{ skip }` says what this machine lacks. */
  static async start(): Promise<Radosgw | { skip: string }> {
    const ready = await ensureDebian(RADOSGW_NEED);
    if (ready !== 'ready') return ready;

    const folder = await mkdtemp(join(tmpdir(), 'velocity-radosgw-'));
    const processes: ChildProcess[] = [];
    const daemon = (name: string, program: string, ...args: string[]): void => {
      const out = openSync(join(folder, `${name}.out`), 'a');
      const child = spawn(program, ['-f', '-c', join(folder, 'ceph.conf'), ...args], {
        stdio: ['ignore', out, out],
      });
      processes.push(child);
    };
    try {
      const port = await freePort();
      await prepare(folder, port, await freePort(), await freePort());
      daemon('mon', 'ceph-mon', '-i', 'a');
      await ceph(folder, 'mon', 'stat');
      daemon('mgr', 'ceph-mgr', '-i', 'x');
      await makeOsd(folder);
      daemon('osd', 'ceph-osd', '-i', '0');
      await until(async () => (await ceph(folder, 'osd', 'stat')).includes(' 1 up'));
      daemon('rgw', 'radosgw', '-n', 'client.admin', '-k', join(folder, 'keyring'));
      const endpoint = `http://127.0.0.1:${port}`;
      await until(async () => (await fetch(endpoint)).status > 0);
      await makeUser(folder);
      const server = {
        endpoint,
        region: 'us-east-1',
        accessKeyId: ACCESS_KEY_ID,
        secretAccessKey: SECRET_ACCESS_KEY,
        folder,
      };
      return new Radosgw(server, folder, processes);
    } catch (error) {
      await stop(processes, folder);
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return stop(this.#processes, this.#folder);
  }
}

async function prepare(folder: string, port: number, monitorPort: number, legacyPort: number): Promise<void> {
  for (const name of ['mon', 'mgr', 'osd', 'run', 'log']) await mkdir(join(folder, name));
  const keyring = join(folder, 'keyring');
  const fsid = randomUUID();
  const addresses = `[v2:127.0.0.1:${monitorPort},v1:127.0.0.1:${legacyPort}]`;
  await writeFile(join(folder, 'ceph.conf'), configuration(folder, fsid, addresses, port));

  const capabilities = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *', '--cap', 'mgr', 'allow *'];
  await run('ceph-authtool', [
    '--create-keyring',
    keyring,
    '--gen-key',
    '-n',
    'client.admin',
    ...capabilities,
  ]);
  await run('ceph-authtool', [keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *']);
  await run('ceph-authtool', [
    keyring,
    '--gen-key',
    '-n',
    'osd.0',
    '--cap',
    'mon',
    'allow profile osd',
    '--cap',
    'mgr',
    'allow profile osd',
    '--cap',
    'osd',
    'allow *',
  ]);
  await run('ceph-authtool', [keyring, '--gen-key', '-n', 'mgr.x', ...capabilities]);
  const monmap = join(folder, 'monmap');
  await run('monmaptool', ['--create', '--addv', 'a', addresses, '--fsid', fsid, monmap]);
  await run('ceph-mon', [
    '-c',
    join(folder, 'ceph.conf'),
    '--mkfs',
    '-i',
    'a',
    '--monmap',
    monmap,
    '--keyring',
    keyring,
  ]);
}

function configuration(folder: string, fsid: string, addresses: string, port: number): string {
  return `
[global]
fsid = ${fsid}
mon_initial_members = a
mon_host = ${addresses}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
run_dir = ${folder}/run
admin_socket = ${folder}/run/$name.asok
log_file = ${folder}/log/$name.log
keyring = ${folder}/keyring
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_data_avail_warn = 1
mon_data_avail_crit = 0
mon_osd_min_down_reporters = 1
mon_max_pg_per_osd = 2000
auth_allow_insecure_global_id_reclaim = true
[mon]
mon_data = ${folder}/mon
[mgr]
mgr_data = ${folder}/mgr
mgr_initial_modules =
[osd]
osd_data = ${folder}/osd
osd_objectstore = memstore
memstore_device_bytes = ${OSD_BYTES}
osd_memory_target = 939524096
[client]
rgw_frontends = beast endpoint=127.0.0.1:${port}
rgw_dns_name = 127.0.0.1
rgw_enable_usage_log = false
rgw_run_sync_thread = false
rgw_lc_debug_interval = -1
rgw_thread_pool_size = 64
`;
}

async function makeOsd(folder: string): Promise<void> {
  const uuid = randomUUID();
  await ceph(folder, 'osd', 'new', uuid);
  await run('ceph-osd', ['-c', join(folder, 'ceph.conf'), '-i', '0', '--mkfs', '--osd-uuid', uuid]);
}

async function makeUser(folder: string): Promise<void> {
  const keys = [`--access-key=${ACCESS_KEY_ID}`, `--secret-key=${SECRET_ACCESS_KEY}`];
  await radosgwAdmin(folder, 'user', 'create', '--uid=velocity', '--display-name=velocity', ...keys);
}

/** Changes users and keys of a running server; it heeds that at once. Takes about a second. */
export async function radosgwAdmin(folder: string, ...args: string[]): Promise<void> {
  const where = ['-c', join(folder, 'ceph.conf'), '-k', join(folder, 'keyring')];
  await run('radosgw-admin', [...where, ...args]);
}

async function ceph(folder: string, ...args: string[]): Promise<string> {
  const where = ['-c', join(folder, 'ceph.conf'), '-k', join(folder, 'keyring')];
  const { stdout } = await run('ceph', [...where, ...args], { timeout: 60_000 });
  return stdout;
}

/** Servers come up when they do: the one place where a test waits on the machine's clock. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('radosgw did not start in time');
    await pause(200);
  }
}

async function stop(processes: readonly ChildProcess[], folder: string): Promise<void> {
  for (const child of processes.toReversed()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL'); // all state is in memory or in the folder that goes now
    await gone;
  }
  await rm(folder, { recursive: true, force: true });
}
