import { Readable } from 'node:stream';
import type { ByteRange } from '../base/byte-range.ts';
import type { Clock } from '../base/clock.ts';
import { VelocityError } from '../base/errors.ts';
import type { ObjectKey } from './object-key.ts';
import type {
  Got,
  ListedObject,
  ListOptions,
  ObjectFacts,
  ObjectStore,
  PresignedRequest,
  PresignRequest,
  PutOptions,
  PutOutcome,
} from './store.ts';
import { WrappedStore } from './wrapped-store.ts';

export interface Timeouts {
  /** Until a call without a body, or the next row of a listing, is answered; in milliseconds. */
  readonly answerMs: number;
  /** How long a body may stand still, either way, and a finished upload wait for its reply. */
  readonly stallMs: number;
}

/**
 * Gives a backend that falls silent up: `STORAGE_UNAVAILABLE`, and the call below is aborted. A transfer
 * may take as long as it likes while it moves; a reader that is slow itself is not held against the backend.
 */
export class TimeoutStore extends WrappedStore {
  readonly #timeouts: Timeouts;
  readonly #clock: Clock;

  constructor(below: ObjectStore, timeouts: Timeouts, clock: Clock) {
    super(below);
    this.#timeouts = timeouts;
    this.#clock = clock;
  }

  override head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return this.#answered((timed) => super.head(key, timed), signal);
  }

  override async get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    const got = await this.#answered((timed) => super.get(key, range, timed), signal);
    if (got === undefined || got === 'unsatisfiable') return got;
    return { ...got, body: this.#moving(got.body) };
  }

  override async put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    const timer = new Timer(this.#clock, this.#timeouts.stallMs, this.#silence(this.#timeouts.stallMs));
    const signal = options.signal ? AbortSignal.any([options.signal, timer.signal]) : timer.signal;
    const watched =
      body instanceof Readable ? Readable.from(watch(body, timer), { objectMode: false }) : body;
    try {
      return await Promise.race([super.put(key, watched, { ...options, signal }), timer.ended]);
    } finally {
      timer.stop();
      if (watched instanceof Readable) watched.destroy();
    }
  }

  override delete(key: ObjectKey, signal?: AbortSignal): Promise<void> {
    return this.#answered((timed) => super.delete(key, timed), signal);
  }

  override async *list(options: ListOptions): AsyncIterable<ListedObject> {
    const rows = super.list(options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const row = await this.#answered(() => rows.next());
        if (row.done) return;
        yield row.value;
      }
    } finally {
      void rows.return?.();
    }
  }

  override presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest | undefined> {
    return this.#answered(() => super.presign(key, request));
  }

  override probe(signal?: AbortSignal): Promise<void> {
    return this.#answered((timed) => super.probe(timed), signal);
  }

  async #answered<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { answerMs } = this.#timeouts;
    const timer = new Timer(this.#clock, answerMs, this.#silence(answerMs));
    try {
      const either = signal ? AbortSignal.any([signal, timer.signal]) : timer.signal;
      return await Promise.race([work(either), timer.ended]);
    } finally {
      timer.stop();
    }
  }

  /** The same bytes; only the time that is spent waiting for the backend counts. */
  #moving(source: Readable): Readable {
    const { stallMs } = this.#timeouts;
    const [clock, silence] = [this.#clock, this.#silence(stallMs)];
    const chunks = (source as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    // Not `Readable.from`: one that is destroyed waits for the chunk it is waiting for.
    return new Readable({
      read() {
        const timer = new Timer(clock, stallMs, silence);
        Promise.race([chunks.next(), timer.ended])
          .finally(() => timer.stop())
          .then(
            (chunk) => this.push(chunk.done ? null : chunk.value),
            (error: Error) => this.destroy(error),
          );
      },
      destroy(error, done) {
        source.destroy();
        done(error);
      },
    });
  }

  #silence(ms: number): () => VelocityError {
    return () =>
      new VelocityError(
        'STORAGE_UNAVAILABLE',
        `The ${this.driver} storage said nothing for ${Math.round(ms / 1000)} s.`,
      );
  }
}

/** Fails and aborts after a time without `restart`. */
class Timer {
  /** Rejects when the time is over; never resolves. */
  readonly ended: Promise<never>;
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #onEnd: () => void;
  #cancel: () => void;

  constructor(clock: Clock, ms: number, reason: () => Error) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {}); // nobody may be waiting any more
    this.ended = promise;
    this.#clock = clock;
    this.#ms = ms;
    this.#onEnd = () => {
      const error = reason();
      reject(error);
      this.#controller.abort(error);
    };
    this.#cancel = clock.after(ms, this.#onEnd);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(this.#ms, this.#onEnd);
  }

  stop(): void {
    this.#cancel();
  }
}

/** Stops the timer while the body's sender is waited for. The body is the caller's: it is read, not destroyed. */
async function* watch(body: Readable, timer: Timer): AsyncIterable<Uint8Array> {
  const chunks: AsyncIterable<Uint8Array> = body.iterator({ destroyOnReturn: false });
  timer.stop();
  for await (const chunk of chunks) {
    timer.restart();
    yield chunk;
    timer.stop();
  }
  timer.restart();
}
