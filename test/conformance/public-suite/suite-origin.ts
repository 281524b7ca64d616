import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';

/** The suite's own origin, as a process of its own. */
export class SuiteOrigin implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #temp: TempFolder;

  private constructor(url: string, child: ChildProcess, closed: Promise<unknown>, temp: TempFolder) {
    this.url = url;
    this.#child = child;
    this.#closed = closed;
    this.#temp = temp;
  }

  /** @throws Error with what it said, where it ends instead of listening */
  static async start(folder: string, port: number): Promise<SuiteOrigin> {
    const temp = await openTempFolder();
    // Its settings are those that npm would hand to it.
    const settings = { protocol: 'http', port: String(port), base: '', pidfile: join(temp.path, 'pid') };
    const env = Object.fromEntries(
      Object.entries(settings).flatMap(([name, value]) => [
        [`npm_config_${name}`, value],
        [`npm_package_config_${name}`, value],
      ]),
    );
    const child = spawn(process.execPath, [join('test-engine', 'server', 'server.mjs')], {
      cwd: folder, // it serves files from there
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = once(child, 'close');
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const listening = new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.includes('Listening')) resolve();
      });
    });
    const ended = closed.then(async () => {
      await temp[Symbol.asyncDispose]();
      const isTaken = complaint.includes('EADDRINUSE');
      const why = isTaken
        ? `port ${port} is taken. Try another: --port N`
        : `the suite's origin did not start:\n${complaint}`;
      throw new Error(why);
    });
    ended.catch(() => {}); // once it listens, its end is ours
    await Promise.race([listening, ended]);
    return new SuiteOrigin(`http://127.0.0.1:${port}`, child, closed, temp);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#closed;
    await this.#temp[Symbol.asyncDispose]();
  }
}
