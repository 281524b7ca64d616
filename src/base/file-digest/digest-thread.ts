import { Worker } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import type { DigestAnswer, DigestOrder } from './digest-messages.ts';

interface Pending {
  readonly resolve: (answer: DigestAnswer) => void;
  /** It was told to end, so the process stays for it. */
  isDue: boolean;
}

/** A thread that digests files, as the others see it. One that dies answers all it was asked with a failure. */
export class DigestThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #due = 0;
  #end: string | undefined;

  /** @param onEnd it takes no more */
  constructor(script: URL, onEnd: () => void) {
    // No flag of this process that loads modules or opens a debugger is meant for it.
    this.#worker = new Worker(script, { name: 'digests', execArgv: [] });
    this.#worker.unref();
    this.#worker.on('message', (answer: DigestAnswer) => this.#settle(answer));
    let why = 'its thread has ended';
    this.#worker.on('error', (error) => {
      why = `its thread has died: ${messageOf(error)}`;
    });
    // Not before: as long as it runs it may touch what it was given.
    this.#worker.on('exit', () => {
      this.#end = why;
      for (const id of [...this.#pending.keys()]) this.#settle({ id, kind: 'failed', message: why });
      onEnd();
    });
  }

  /** Digests that were begun and not answered. */
  get load(): number {
    return this.#pending.size;
  }

  /** @returns the answer, which comes once it was told to end or abort. Never rejects. */
  begin(id: number): Promise<DigestAnswer> {
    if (this.#end !== undefined) return Promise.resolve({ id, kind: 'failed', message: this.#end });
    const { promise, resolve } = Promise.withResolvers<DigestAnswer>();
    this.#pending.set(id, { resolve, isDue: false });
    return promise;
  }

  /** Of a digest that was answered nothing more is to be said. */
  send(order: DigestOrder): void {
    const pending = this.#pending.get(order.id);
    if (!pending) return;
    if (!pending.isDue && (order.kind === 'abort' || order.isWhole)) {
      pending.isDue = true;
      if (this.#due++ === 0) this.#worker.ref();
    }
    this.#worker.postMessage(order);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(answer: DigestAnswer): void {
    const pending = this.#pending.get(answer.id);
    if (!pending) return;
    this.#pending.delete(answer.id);
    if (pending.isDue && --this.#due === 0) this.#worker.unref();
    pending.resolve(answer);
  }
}
