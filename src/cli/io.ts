import type { Readable, Writable } from 'node:stream';

/** What a command may touch of the world: tests give their own. */
export interface Io {
  /** Data: what was asked for. */
  readonly stdout: Writable;
  /** Chatter: what is happening, and what went wrong. */
  readonly stderr: Writable;
  readonly stdin: Readable;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** A reader that left (`| head`), or a terminal that was closed, is no failure of ours: what runs, runs on. */
const READER_LEFT = new Set(['EPIPE', 'EIO', 'ECONNRESET']);

export function processIo(): Io {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!READER_LEFT.has(error.code ?? '')) throw error;
    });
  }
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    // Opened when it is read: to look at it is to hold it.
    get stdin() {
      return process.stdin;
    },
    env: process.env,
    cwd: process.cwd(),
  };
}

/** 0 done · 1 failed · 2 called or configured wrongly · 130 and 143 ended by SIGINT and SIGTERM. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130, terminated: 143 } as const;

/** Resolves when a stream that has more than it likes can take more; `undefined` where it can already. */
export function untilTaken(stream: Writable): Promise<void> | undefined {
  if (!stream.writableNeedDrain || stream.destroyed || stream.errored) return undefined;
  return new Promise((resolve) => {
    const ends = ['drain', 'close', 'error'] as const; // a reader that left takes everything
    const done = (): void => {
      for (const end of ends) stream.off(end, done);
      resolve();
    };
    for (const end of ends) stream.on(end, done);
  });
}
