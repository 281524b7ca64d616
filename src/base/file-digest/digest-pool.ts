import { constants, existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Digest } from '../digest.ts';
import { VelocityError } from '../errors.ts';
import { DigestThread } from './digest-thread.ts';
import { GrowingDigest } from './growing-digest.ts';

const MOST_THREADS = 4;

interface DigestPoolOptions {
  /** At most so many; all cores but one by default, which is the event loop's. */
  readonly threads?: number;
  readonly script?: URL;
}

/** The bytes of a file as they were read. */
export interface FileDigest {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/**
 * SHA-256 of files beside the event loop: a few threads read them by their descriptors, out of the page cache where they
 * were written just now, and share their time by slabs. Begins a thread when there is work for it and none is free.
 */
export class DigestPool {
  readonly #threads = new Set<DigestThread>();
  readonly #most: number;
  readonly #script: URL | undefined;
  #nextId = 0;
  #isClosed = false;

  constructor({ threads, script }: DigestPoolOptions = {}) {
    this.#most = Math.max(1, threads ?? Math.min(MOST_THREADS, availableParallelism() - 1));
    this.#script = script;
  }

  /** @param fd open for reading; to be closed by its owner once `end` or `abort` is done */
  begin(fd: number): GrowingDigest {
    if (this.#isClosed) throw new Error('unreachable: the pool is closed');
    return new GrowingDigest(this.#nextId++, fd, this.#threadForOne());
  }

  /**
   * A whole file, as long as it is when this begins.
   * @param file its path, or what was opened for reading and stays open
   * @throws VelocityError `STORAGE_FAILED`: it could not be read, or is no ordinary file; the system's error where it could
   *   not be opened
   */
  async digestFile(file: string | FileHandle): Promise<FileDigest> {
    if (typeof file !== 'string') return this.#digestWhole(file);
    // Else the opening of a pipe waits for its writer.
    await using opened = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    return await this.#digestWhole(opened);
  }

  /** Ends the threads; what is not done fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#threads].map((thread) => thread.close()));
  }

  async #digestWhole(file: FileHandle): Promise<FileDigest> {
    const stats = await file.stat();
    if (!stats.isFile()) throw new VelocityError('STORAGE_FAILED', 'What is to be digested is not a file.');
    return { digest: await this.begin(file.fd).end(stats.size), sizeBytes: stats.size };
  }

  #threadForOne(): DigestThread {
    let freest: DigestThread | undefined;
    for (const thread of this.#threads) if (!freest || thread.load < freest.load) freest = thread;
    if (freest && (freest.load === 0 || this.#threads.size >= this.#most)) return freest;
    const thread = new DigestThread(this.#script ?? findScript(), () => this.#threads.delete(thread));
    this.#threads.add(thread);
    return thread;
  }
}

/** Beside this file in the sources; once built at the top of `dist`, and this file there or in a folder of it. */
function findScript(): URL {
  const script = ['./digest-worker.ts', './digest-worker.js', '../digest-worker.js']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url));
  if (!script) throw new Error('unreachable: the script of the threads is built with the rest');
  return script;
}
