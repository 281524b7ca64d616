import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ensureDebian } from './debian.ts';
import { freePort } from './free-port.ts';

const SCRIPT = join(import.meta.dirname, '../../examples/offload/worker.php');

/** The worker of `examples/offload` behind PHP's own server: one process, which does one thing at a time. */
export class PhpWorker implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  static async start(): Promise<PhpWorker | { readonly skip: string }> {
    const php = await ensureDebian({ programs: ['php'], packages: ['php-cli'] });
    if (php !== 'ready') return php;
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn('php', ['-S', address, SCRIPT], { stdio: ['ignore', 'ignore', 'pipe'] });
    const started = Promise.withResolvers<void>();
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (said.length < 10_000) said += chunk.toString();
      if (said.includes('started')) started.resolve();
    });
    child.once('exit', () => started.reject(new Error(`PHP did not start: ${said}`)));
    await started.promise;
    return new PhpWorker(`http://${address}`, child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
