import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Clock } from '../../../base/clock.ts';
import { systemCode, VelocityError } from '../../../base/errors.ts';
import { RcloneClient } from './rclone-client.ts';
import { withoutSecrets } from './rclone-failure.ts';

/** What is run. Stores that agree in it share one process. */
export interface RcloneProgram {
  /** A name to look for in `PATH`, or a path. */
  readonly program: string;
  /** An operator's `rclone.conf`; rclone writes tokens it has refreshed into it. `undefined`: nothing is on the disk. */
  readonly configFile: string | undefined;
}

const START_TIMEOUT_MS = 15_000;
/** From SIGTERM, which rclone ends at once on. */
const STOP_TIMEOUT_MS = 2_000;
const ADDRESS = /Serving remote control on (http:\/\/127\.0\.0\.1:\d+\/)/;

/**
 * What is ours and no business of rclone's; what would change how it listens or lets it write down what it is told, which
 * are credentials; and what the SDK for S3 in rclone 1.60 ends on ("unsupported transport").
 */
const KEPT_BACK =
  /^(VC_|VELOCITY_|CACHEGATE_|AWS_CA_BUNDLE$|RCLONE_(RC|LOG|USE_JSON_LOG|VERBOSE|QUIET|SYSLOG|DUMP|DRY_RUN|CONFIG$))/;

/** Ends rclone when this process does, however that ends: the pipe's end is all that a SIGKILL leaves to be noticed. */
const WATCH = 'read -r _; kill -TERM "$1"';

/** One `rclone rcd`, from its start to its end. It listens on 127.0.0.1 alone, for whoever knows its random password. */
export class RcloneProcess {
  readonly client: RcloneClient;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #watcher: ChildProcess;
  readonly #clock: Clock;

  private constructor(child: ChildProcess, pid: number, client: RcloneClient, clock: Clock) {
    this.client = client;
    this.pid = pid;
    this.#child = child;
    this.#clock = clock;
    this.#watcher = watch(pid);
    // Once it ended, its id may be another's: the watcher goes without the signal it would send.
    child.once('exit', () => this.#watcher.kill('SIGKILL'));
    if (!this.isRunning) this.#watcher.kill('SIGKILL');
    child.unref();
  }

  /** @throws VelocityError `DRIVER_UNAVAILABLE` where the program cannot be run, `STORAGE_UNAVAILABLE` where it ends */
  static async start(program: RcloneProgram, clock: Clock): Promise<RcloneProcess> {
    const [user, password] = [randomBytes(12).toString('hex'), randomBytes(32).toString('hex')];
    const child = spawn(program.program, argumentsOf(program), {
      // Like the SDKs of the other drivers, rclone finds proxies, certificates and roles in the environment itself.
      env: { ...inherited(process.env), RCLONE_RC_USER: user, RCLONE_RC_PASS: password },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true, // a Ctrl-C in a terminal goes to the whole group; what the server still answers needs rclone
    });
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw cannotRun(program.program, error);
    }
    const address = await listening(child, clock).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    });
    return new RcloneProcess(child, child.pid ?? 0, new RcloneClient(address, user, password), clock);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Called at once where it has ended already. */
  onEnd(callback: () => void): void {
    if (this.isRunning) this.#child.once('exit', callback);
    else callback();
  }

  async stop(): Promise<void> {
    this.client.close();
    if (!this.isRunning) return;
    const gone = once(this.#child, 'exit');
    this.#child.ref();
    this.#child.kill('SIGTERM');
    const cancel = this.#clock.after(STOP_TIMEOUT_MS, () => this.#child.kill('SIGKILL'));
    await gone;
    cancel();
  }
}

/** No secret is among them: they are in `/proc` for everybody to read. */
function argumentsOf({ configFile }: RcloneProgram): string[] {
  return [
    'rcd',
    '--rc-serve',
    ...['--rc-addr', '127.0.0.1:0'],
    ...['--config', configFile ?? ''], // without a name rclone keeps what it is told in memory
    '--ask-password=false',
    ...['--log-level', 'NOTICE'],
    // It keeps the replies to finished calls for a minute otherwise, listings among them.
    ...['--rc-job-expire-duration', '1s', '--rc-job-expire-interval', '1s'],
    // Retries are the server's; two more get rclone over a connection that was closed meanwhile.
    ...['--low-level-retries', '3'],
    ...['--contimeout', '10s'],
    // When an object was stored. The time that rclone keeps itself would cost a request for each row of a listing.
    '--use-server-modtime',
  ];
}

function inherited(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !KEPT_BACK.test(name)));
}

/** Where it listens. What it says further is read and dropped, or it would stand still once the pipe is full. */
async function listening(child: ChildProcess, clock: Clock): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = '';
  const { stderr } = child;
  if (!stderr) throw new Error('unreachable: its standard error is a pipe');
  createInterface({ input: stderr }).on('line', (line) => {
    const address = ADDRESS.exec(line)?.[1];
    if (address !== undefined) resolve(address);
    said = line;
  });
  const failed = (what: string): void => {
    const cause = new Error(withoutSecrets(said, []));
    reject(new VelocityError('STORAGE_UNAVAILABLE', `rclone did not start: it ${what}.`, { cause }));
  };
  child.once('close', () => failed('ended'));
  const cancel = clock.after(START_TIMEOUT_MS, () =>
    failed(`did not listen within ${START_TIMEOUT_MS / 1000} s`),
  );
  try {
    return await promise;
  } finally {
    cancel();
    if ('unref' in stderr && typeof stderr.unref === 'function') stderr.unref();
  }
}

function watch(pid: number): ChildProcess {
  const watcher = spawn('/bin/sh', ['-c', WATCH, 'sh', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.on('error', () => {}); // without a shell, rclone outlives a server that was killed
  watcher.stdin?.on('error', () => {});
  watcher.unref();
  const { stdin } = watcher;
  if (stdin && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  return watcher;
}

function cannotRun(program: string, error: unknown): VelocityError {
  const why =
    systemCode(error) === 'ENOENT'
      ? 'it is not installed'
      : `it cannot be run (${systemCode(error) ?? 'unknown'})`;
  return new VelocityError(
    'DRIVER_UNAVAILABLE',
    `The rclone driver needs the program "${program}", and ${why}: install it (apt-get install rclone, or https://rclone.org/install/), or say with the store's setting "program" where it is.`,
    { cause: error },
  );
}
