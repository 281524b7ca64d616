import { Readable } from 'node:stream';
import type { Clock } from '../../../base/clock.ts';

/** What is read ahead of the slowest reader of a body that is not kept, so that a fast source waits seldom. */
const WINDOW_BYTES = 256 * 1024;

/** For so long one reader may take nothing while others wait for it; slow clients take a little more often. */
const PATIENCE_MS = 30_000;

/** Where the bytes of a body count while it is fetched and read. */
export interface BodyRoom {
  /** `false`: there is no room for so many more. */
  claim(bytes: number): boolean;
  release(bytes: number): void;
}

/** One who reads a body as it comes. */
interface Reader {
  /** The number of the chunk that it is given next. */
  next: number;
  /** How many bytes it was given. */
  at: number;
  wake: () => void;
  /** Cuts it off. */
  readonly fail: (error: Error) => void;
}

/**
 * A body of unknown length that is being fetched, and any number who read it from its first byte as it comes. As long as it is
 * small enough to be kept all of it stays, and nobody waits for anybody. Where it outgrows that, nobody joins any more,
 * what all have read goes, and the source waits for the slowest: so it takes no more memory, however long it is. Who
 * takes nothing for a while, and keeps others from the rest by it, is cut off.
 */
export class SharedBody {
  /** When all of it has come: its bytes, or `undefined` where it has outgrown what is kept. Rejects where the source fails. */
  readonly ended: Promise<Uint8Array | undefined>;
  readonly #source: Readable;
  readonly #maxBytes: number;
  readonly #room: BodyRoom;
  readonly #clock: Clock;
  readonly #readers = new Set<Reader>();
  #chunks: Uint8Array[] = [];
  /** The number of the first of them. */
  #first = 0;
  #filled = 0;
  #claimed = 0;
  #state: 'filling' | 'outgrown' | 'whole' | 'failed' = 'filling';
  #isOver = false;
  #failure: Error | undefined;
  #resume: (() => void) | undefined;

  /** @param maxBytes a larger one is not kept */
  constructor(source: Readable, maxBytes: number, room: BodyRoom, clock: Clock) {
    this.#source = source;
    this.#maxBytes = maxBytes;
    this.#room = room;
    this.#clock = clock;
    this.ended = this.#pump();
    this.ended.catch(() => {}); // its readers are told by their streams
  }

  /** Whether who comes now can still have all of it. */
  get isOpen(): boolean {
    return this.#state === 'filling' || this.#state === 'whole';
  }

  /** From its first byte to its end; fails where the body does. For one that is open. */
  follow(): Readable {
    const shared = this;
    const fail = (error: Error): void => void stream.destroy(error);
    const reader: Reader = { next: 0, at: 0, wake: nothing, fail };
    this.#readers.add(reader);
    const stream = new Readable({
      highWaterMark: WINDOW_BYTES,
      read() {
        reader.wake = () => shared.#give(reader, this);
        reader.wake();
      },
      destroy(error, done) {
        shared.#leave(reader);
        done(error);
      },
    });
    return stream;
  }

  /** Pushes no more than was asked for: one chunk for each `read`. */
  #give(reader: Reader, to: Readable): void {
    const next = this.#chunks[reader.next - this.#first];
    if (!next && !this.#isOver) return;
    reader.wake = nothing;
    if (next) {
      reader.next++;
      reader.at += next.length;
      this.#letGo();
      to.push(next);
    } else if (this.#failure) to.destroy(this.#failure);
    else to.push(null);
  }

  #leave(reader: Reader): void {
    this.#readers.delete(reader);
    this.#letGo();
    this.#endIfUnread();
    this.#releaseIfDone();
  }

  async #pump(): Promise<Uint8Array | undefined> {
    try {
      for await (const chunk of this.#source as AsyncIterable<Uint8Array>) {
        this.#take(chunk);
        if (this.#state === 'outgrown') await this.#roomForMore();
      }
    } catch (error) {
      this.#failure = error as Error;
      this.#state = 'failed';
      throw error;
    } finally {
      this.#isOver = true;
      this.#wakeAll();
      this.#releaseIfDone();
    }
    if (this.#state === 'outgrown') return undefined;
    this.#state = 'whole';
    return Buffer.concat(this.#chunks);
  }

  #take(chunk: Uint8Array): void {
    this.#filled += chunk.length;
    this.#chunks.push(chunk);
    if (this.#state === 'filling') {
      const fits = this.#filled <= this.#maxBytes && this.#room.claim(chunk.length);
      if (fits) this.#claimed += chunk.length;
      else this.#state = 'outgrown';
    }
    this.#wakeAll();
    this.#endIfUnread();
  }

  /** Nobody wants the rest, and nothing keeps it. */
  #endIfUnread(): void {
    if (this.#state === 'outgrown' && this.#readers.size === 0) this.#source.destroy();
  }

  /** Of what is not kept: forgets what all have, and lets the source go on. */
  #letGo(): void {
    if (this.#state !== 'outgrown') return;
    const next = Math.min(...[...this.#readers].map((reader) => reader.next));
    const gone = Math.min(next - this.#first, this.#chunks.length);
    this.#chunks.splice(0, gone);
    this.#first += gone;
    if (this.#isRoomForMore()) this.#resume?.();
  }

  async #roomForMore(): Promise<void> {
    this.#letGo();
    if (this.#isRoomForMore()) return;
    let stop = nothing;
    const watch = (): void => {
      stop = this.#clock.after(PATIENCE_MS, () => {
        this.#cutOff();
        watch();
      });
    };
    watch();
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
    stop();
    this.#resume = undefined;
  }

  /** Those who hold up others; where all are as slow, nobody is held up. */
  #cutOff(): void {
    const behind = [...this.#readers].filter(({ at }) => this.#filled - at > WINDOW_BYTES);
    if (behind.length === this.#readers.size) return;
    for (const reader of behind) reader.fail(new Error('a reader held up others for too long'));
  }

  #isRoomForMore(): boolean {
    let slowest = this.#filled;
    for (const { at } of this.#readers) slowest = Math.min(slowest, at);
    return this.#filled - slowest <= WINDOW_BYTES;
  }

  /** What was claimed counts as long as somebody reads it. */
  #releaseIfDone(): void {
    if (!this.#isOver || this.#readers.size > 0) return;
    this.#room.release(this.#claimed);
    this.#claimed = 0;
  }

  #wakeAll(): void {
    for (const reader of [...this.#readers]) reader.wake();
  }
}

function nothing(): void {}
