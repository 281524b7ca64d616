import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { cpus } from 'node:os';
import { promisify } from 'node:util';

export interface LoadResult {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** Processor time of the server for each request, in microseconds; it says more than the rate where a machine is shared. */
  readonly cpuMicros: number;
}

export interface Load {
  /** The next request, whole: head and body. */
  readonly request: () => Buffer;
  /** The answer carries no body, whatever length it names. */
  readonly isHead?: boolean;
  readonly connections: number;
  readonly ms: number;
  /** The server's process. */
  readonly pid: number;
}

/** RFC 9112 §7.1. */
const LAST_CHUNK = '\r\n0\r\n\r\n';

/** Keeps every connection busy with one request at a time. Any answer that is no 2xx ends it. */
export async function loadHttp(
  url: string,
  { request, isHead, connections, ms, pid }: Load,
): Promise<LoadResult> {
  const { hostname, port } = new URL(url);
  const latencies: number[] = [];
  const startedAt = performance.now();
  const cpuBefore = cpuMicrosOf(pid);
  await Promise.all(
    Array.from({ length: connections }, () =>
      keepBusy(
        connect({ host: hostname, port: Number(port) }),
        request,
        isHead ?? false,
        startedAt + ms,
        latencies,
      ),
    ),
  );
  latencies.sort((a, b) => a - b);
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    perSecond: latencies.length / seconds,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
    cpuMicros: (cpuMicrosOf(pid) - cpuBefore) / latencies.length,
  };
}

export interface WrkLoad {
  readonly connections: number;
  readonly seconds: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The server's process. */
  readonly pid: number;
  /** In Lua, for requests that differ. */
  readonly script?: string | undefined;
}

/** The same with `wrk`, which costs its core less: for servers that are faster than what `loadHttp` can ask. */
export async function loadWithWrk(
  url: string,
  { connections, seconds, headers, pid, script }: WrkLoad,
): Promise<LoadResult> {
  const cpuBefore = cpuMicrosOf(pid);
  const named = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const scripted = script === undefined ? [] : ['-s', script];
  const args = ['--latency', '-t1', `-c${connections}`, `-d${seconds}s`, ...named, ...scripted, url];
  const { stdout } = await promisify(execFile)('wrk', args);
  const of = (pattern: RegExp): string => pattern.exec(stdout)?.[1] ?? '';
  const requests = Number(of(/(\d+) requests in/));
  if (/Non-2xx/.test(stdout) || !(requests > 0)) throw new Error(`wrk ${url}\n${stdout}`);
  return {
    perSecond: Number(of(/Requests\/sec: +([\d.]+)/)),
    p99Ms: toMs(of(/99% +(\S+)/)),
    cpuMicros: (cpuMicrosOf(pid) - cpuBefore) / requests,
  };
}

function toMs(written: string): number {
  const [, number, unit = ''] = /^([\d.]+)(us|ms|s)$/.exec(written) ?? [];
  return Number(number) * ({ us: 1e-3, ms: 1, s: 1e3 }[unit] ?? Number.NaN);
}

/** Of all threads, in user code and the kernel; clock ticks are hundredths of a second. */
function cpuMicrosOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function keepBusy(
  socket: Socket,
  request: () => Buffer,
  isHead: boolean,
  until: number,
  latencies: number[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0;
    let head = '';
    /** Of the body; `undefined` while the head is not here. */
    let left: number | undefined;
    let isChunked = false;
    let tail = '';
    const send = (): void => {
      if (performance.now() > until) {
        socket.destroy();
        resolve();
        return;
      }
      head = '';
      left = undefined;
      sentAt = performance.now();
      socket.write(request());
    };
    socket.setNoDelay(true);
    socket.once('connect', send);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the server closed a connection')));
    socket.on('data', (chunk: Buffer) => {
      if (left === undefined) {
        head += chunk.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!/^HTTP\/1\.1 2/.test(head)) return reject(new Error(head.slice(0, end)));
        isChunked = !isHead && /\r\ntransfer-encoding: *chunked/i.test(head.slice(0, end));
        const length = isHead ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
        left = length - (head.length - end - 4);
      } else left -= chunk.length;
      tail = (tail + chunk.subarray(-LAST_CHUNK.length).toString('latin1')).slice(-LAST_CHUNK.length);
      if (isChunked ? tail !== LAST_CHUNK : left > 0) return;
      latencies.push(performance.now() - sentAt);
      send();
    });
  });
}

export interface BenchServer {
  readonly url: string;
  readonly pid: number;
}

/** Servers under test, each on the first core; what makes the load has the second to itself. */
export class BenchServers implements Disposable {
  readonly #children: ChildProcess[] = [];

  constructor() {
    pin(process.pid, 1);
  }

  /**
   * Starts one of Node and waits until it answers.
   * @param url where it will listen; without one it prints `"url":"…"`
   */
  start(
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    url?: string,
    cores: number | 'all' = 0,
  ): Promise<BenchServer> {
    return this.startProgram(process.execPath, args, env, url, cores);
  }

  /** Likewise of any program. */
  async startProgram(
    program: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    url?: string,
    cores: number | 'all' = 0,
  ): Promise<BenchServer> {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.push(child);
    const pid = child.pid ?? 0;
    pin(pid, cores);
    const { promise: ended, reject } = Promise.withResolvers<never>();
    child.once('exit', () => reject(new Error(`${args.join(' ')} ended`)));
    ended.catch(() => {});
    return { url: await Promise.race([ended, url === undefined ? printedUrl(child) : answering(url)]), pid };
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}

function printedUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const url = /"url":"([^"]+)"/.exec(text)?.[1];
      if (url) resolve(url);
    });
  });
}

async function answering(url: string): Promise<string> {
  const until = performance.now() + 20_000;
  while (performance.now() < until) {
    const isThere = await fetch(url).then(
      (reply) => reply.arrayBuffer().then(() => true),
      () => false,
    );
    if (isThere) return url;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing answers at ${url}`);
}

/** A core for the server and one for the load, where the machine has two. */
function pin(pid: number, core: number | 'all'): void {
  const cores = core === 'all' ? `0-${cpus().length - 1}` : String(core);
  if (cpus().length > 1)
    spawn('taskset', ['-apc', cores, String(pid)], { stdio: 'ignore' }).on('error', () => {});
}
