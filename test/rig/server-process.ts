import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { VELOCITY } from './velocity-program.ts';

export const TEST_TOKEN = 'a-token-for-tests-0123456789';

export type LogLine = Readonly<Record<string, unknown>>;

const DEFAULTS = {
  VC_HOST: '127.0.0.1',
  VC_PORT: '0',
  VC_PROXY_PORT: '0',
  VC_AUTH_TOKEN: TEST_TOKEN,
};

/** The real `velocity serve` as a process of its own, on a free port of 127.0.0.1. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  /** Everything it logged so far. */
  readonly log: readonly LogLine[];
  readonly #closed: Promise<unknown>;

  private constructor(url: string, child: ChildProcess, log: readonly LogLine[], closed: Promise<unknown>) {
    this.url = url;
    this.child = child;
    this.log = log;
    this.#closed = closed;
  }

  /**
   * @param through a program, with its arguments, that becomes the server (`setpriv …`)
   * @param flags of the command
   * @param command `serve`, or `proxy`, whose port is then the free one
   * @param cwd its working folder
   * @throws Error with what the server said, where it ends instead of listening
   */
  static async start(
    env: Readonly<Record<string, string>>,
    through: readonly string[] = [],
    flags: readonly string[] = [],
    command = 'serve',
    cwd?: string,
  ): Promise<ServerProcess> {
    const [program = '', ...args] = [...through, process.execPath, VELOCITY, command, ...flags];
    const child = spawn(program, args, {
      cwd,
      env: { ...cleanEnv(), ...DEFAULTS, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = once(child, 'close');
    const log: LogLine[] = [];
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const { promise: listening, resolve } = Promise.withResolvers<string>();
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as LogLine;
      log.push(line);
      if (line['message'] === 'listening') resolve(String(line['url']));
    });
    const url = await Promise.race([
      listening,
      closed.then(() => Promise.reject(new Error(`the server did not start: ${complaint}`))),
    ]);
    return new ServerProcess(url, child, log, closed);
  }

  /** Sends the signal and waits for the end; the exit code, or the signal that ended it. */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    this.child.kill(signal);
    await this.#closed;
    return this.child.exitCode ?? this.child.signalCode;
  }

  /** Waits for the end that something else brings about. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.#closed;
    return this.child.exitCode ?? this.child.signalCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end('SIGKILL');
  }
}

/** This process's environment without what would configure the program under test. */
export function cleanEnv(): NodeJS.ProcessEnv {
  const names =
    /^(VC_|VELOCITY_|AWS_|AZURE_|CI$|GITHUB_|ACTIONS_|NO_COLOR$|FORCE_COLOR$|npm_|INIT_CWD$|NODE_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.test(name)));
}
