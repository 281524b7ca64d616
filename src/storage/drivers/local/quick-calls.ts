import {
  accessSync,
  closeSync,
  close as closeWith,
  constants,
  existsSync,
  linkSync,
  link as linkWith,
  openSync,
  open as openWith,
  readSync,
  read as readWith,
  renameSync,
  rename as renameWith,
  unlinkSync,
  unlink as unlinkWith,
  writeSync,
  writevSync,
  writev as writevWith,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../../../base/clock.ts';
import { systemCode } from '../../../base/errors.ts';
import type { Descriptor } from './descriptor.ts';

/** What is read or written at once; more is a transfer, which always waits for the disk elsewhere: 64 KiB of a body and what follows it. */
export const QUICK_BYTES = 68 * 1024;
/** On average; a call through the thread pool costs this process about 0.04 ms, and its caller the queue. */
const QUICK_MS = 0.5;
/** What one call counts for in the average: a single one of 16 ms makes a file system slow. */
const WEIGHT = 1 / 32;
/**
 * Made at once before others get their turn, some ten milliseconds in all. Nobody else would get one while a listing, or
 * the removal of all there is, goes from one call to the next.
 */
export const QUICK_CALLS_A_TURN = 500;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

const openLater: (path: string, flags: string | number) => Promise<Descriptor> = promisify(openWith);
const closeLater: (file: Descriptor) => Promise<void> = promisify(closeWith);
const linkLater: (from: string, to: string) => Promise<void> = promisify(linkWith);
const renameLater: (from: string, to: string) => Promise<void> = promisify(renameWith);
const unlinkLater: (path: string) => Promise<void> = promisify(unlinkWith);
const readLater = promisify(readWith);
const writevLater = promisify(writevWith);

/**
 * Calls of the file system, made at once for as long as it answers at once. On a local disk nearly all of them end in
 * memory, and a trip through the thread pool costs several times the call. A file system that turns out to be slow
 * (a disk that is busy) is asked through the pool for a while, where it holds up nobody; one that may fall silent for
 * good always is, for a call that was made at once is waited for by the whole process, its timeouts included.
 */
export class QuickCalls {
  readonly #clock: Clock;
  readonly #mayFallSilent: boolean;
  #averageMs = 0;
  #slowUntil = Number.NEGATIVE_INFINITY;
  #pauseMs = FIRST_PAUSE_MS;
  /** Since the event loop came round last. */
  #callsThisTurn = 0;
  readonly #newTurn = (): void => {
    this.#callsThisTurn = 0;
  };

  /** @param mayFallSilent the file system is not one of this machine alone */
  constructor(clock: Clock, mayFallSilent = false) {
    this.#clock = clock;
    this.#mayFallSilent = mayFallSilent;
  }

  async open(path: string, flags: string | number): Promise<Descriptor> {
    return this.run(
      () => openSync(path, flags),
      () => openLater(path, flags),
    );
  }

  /** For reading; `undefined` where there is no such file. To look first costs less than an error, which most look-ups would end with. */
  async openThere(path: string): Promise<Descriptor | undefined> {
    try {
      return await this.run(
        () => (existsSync(path) ? openSync(path, 'r') : nothingIn(dirname(path))),
        () => openLater(path, 'r'),
      );
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** A network file system sends what was written when the file is closed. */
  async closeWritten(file: Descriptor, sizeBytes: number): Promise<void> {
    const later = () => closeLater(file);
    return sizeBytes > QUICK_BYTES ? later() : this.run(() => closeSync(file), later);
  }

  async link(from: string, to: string): Promise<void> {
    return this.run(
      () => linkSync(from, to),
      () => linkLater(from, to),
    );
  }

  async rename(from: string, to: string): Promise<void> {
    return this.run(
      () => renameSync(from, to),
      () => renameLater(from, to),
    );
  }

  async unlink(path: string): Promise<void> {
    return this.run(
      () => unlinkSync(path),
      () => unlinkLater(path),
    );
  }

  /** The bytes from `position`, fewer where the file ends before. */
  async read(file: Descriptor, position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    const later = async () => (await readLater(file, buffer, 0, length, position)).bytesRead;
    const bytesRead =
      length > QUICK_BYTES
        ? await later()
        : await this.run(() => readSync(file, buffer, 0, length, position), later);
    return buffer.subarray(0, bytesRead);
  }

  /** Fills `target` from `position` on; how many bytes there were, fewer where the file ends before. */
  async readInto(file: Descriptor, target: Buffer, position: number): Promise<number> {
    for (let done = 0; ; ) {
      const rest = target.length - done;
      const at = position + done;
      const now = (): number => readSync(file, target, done, rest, at);
      const later = async (): Promise<number> => (await readLater(file, target, done, rest, at)).bytesRead;
      const bytesRead = rest > QUICK_BYTES ? await later() : await this.run(now, later);
      done += bytesRead;
      if (bytesRead === 0 || done === target.length) return done;
    }
  }

  /** All of the chunks, in order. */
  async write(file: Descriptor, chunks: readonly Uint8Array[]): Promise<void> {
    let rest = chunks;
    const now = () => (rest.length === 1 ? writeSync(file, rest[0] as Uint8Array) : writevSync(file, rest));
    const later = async () => (await writevLater(file, [...rest])).bytesWritten;
    const isQuick = sizeOf(chunks) <= QUICK_BYTES;
    while (rest.length > 0) rest = without(rest, await (isQuick ? this.run(now, later) : later()));
  }

  /** Whichever of the two is right now. */
  run<T>(now: () => T, later: () => Promise<T>): T | Promise<T> {
    if (this.#mayFallSilent) return later();
    const startedAt = this.#clock.elapsed();
    if (startedAt < this.#slowUntil || this.#isTurnOver()) return later();
    try {
      return now();
    } finally {
      this.#took(startedAt, this.#clock.elapsed());
    }
  }

  #isTurnOver(): boolean {
    if (this.#callsThisTurn === 0) setImmediate(this.#newTurn);
    return ++this.#callsThisTurn > QUICK_CALLS_A_TURN;
  }

  #took(startedAt: number, endedAt: number): void {
    this.#averageMs += (endedAt - startedAt - this.#averageMs) * WEIGHT;
    if (this.#averageMs > QUICK_MS) {
      this.#averageMs = 0;
      this.#slowUntil = endedAt + this.#pauseMs;
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    } else if (endedAt > this.#slowUntil + this.#pauseMs) this.#pauseMs = FIRST_PAUSE_MS;
  }
}

/** That a path is not there says nothing of why: its folder must be one that can be looked into. */
function nothingIn(folder: string): undefined {
  accessSync(`${folder}/.`, constants.X_OK);
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((bytes, { length }) => bytes + length, 0);
}

/** What is left when so many bytes are written: `writev` may write less than it was given. */
function without(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes;
  return chunks.flatMap((chunk) => {
    const written = Math.min(left, chunk.length);
    left -= written;
    return written === chunk.length ? [] : [chunk.subarray(written)];
  });
}
