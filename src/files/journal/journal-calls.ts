import { fstat, fsync as fsyncWith, ftruncate, read as readWith, write as writeWith } from 'node:fs';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import { type Descriptor, flushFile } from '../../storage/drivers/local/descriptor.ts';
import { isOnLocalDisk } from '../../storage/drivers/local/local-disk.ts';
import { QuickCalls } from '../../storage/drivers/local/quick-calls.ts';

const statLater = promisify(fstat);
const truncateLater: (file: Descriptor, sizeBytes: number) => Promise<void> = promisify(ftruncate);
const syncLater: (file: Descriptor) => Promise<void> = promisify(fsyncWith);
const readLater = promisify(readWith);
const writeLater = promisify(writeWith);

const NEWLINE = 0x0a;
const PIECE_BYTES = 64 * 1024;

export interface OpenedFile {
  readonly file: Descriptor;
  readonly sizeBytes: number;
  /** It has bytes, and the last of them is no newline. */
  readonly endsTorn: boolean;
}

/** What the journal's writer asks of the file system, so that tests can have it refused. All of it throws system errors. */
export interface JournalCalls {
  /** To append; a file that is not there is made. */
  open(path: string): Promise<OpenedFile>;
  /** All of the bytes, at the end. Where it throws, some of them may be there. */
  append(file: Descriptor, bytes: Buffer): Promise<void>;
  truncate(file: Descriptor, sizeBytes: number): Promise<void>;
  sync(file: Descriptor): Promise<void>;
  /** So that a file that was made in it is found after a power cut. */
  syncFolder(path: string): Promise<void>;
  /**
   * Writes what the file holds in a range once more, where it is. After a sync that failed, the kernel takes the pages
   * for clean, and no later sync would try them again.
   */
  rewrite(path: string, from: number, to: number): Promise<void>;
  close(file: Descriptor): Promise<void>;
}

export async function openJournalCalls(folder: string, clock: Clock): Promise<JournalCalls> {
  const calls = new QuickCalls(clock, !(await isOnLocalDisk(folder)));
  return {
    async open(path) {
      const file = await calls.open(path, 'a+');
      const { size } = await statLater(file);
      const last = size === 0 ? undefined : await calls.read(file, size - 1, 1);
      return { file, sizeBytes: size, endsTorn: last !== undefined && last[0] !== NEWLINE };
    },
    append: (file, bytes) => calls.write(file, [bytes]),
    truncate: truncateLater,
    sync: flushFile,
    async syncFolder(path) {
      const handle = await open(path, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
    rewrite: rewriteRange,
    close: (file) => calls.closeWritten(file, 0),
  };
}

async function rewriteRange(path: string, from: number, to: number): Promise<void> {
  // Not the descriptor that appends: that one writes at the end, whatever the position.
  const handle = await open(path, 'r+');
  try {
    const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, to - from));
    for (let at = from; at < to; ) {
      const { bytesRead } = await readLater(handle.fd, buffer, 0, Math.min(buffer.length, to - at), at);
      if (bytesRead === 0) return;
      const { bytesWritten } = await writeLater(handle.fd, buffer, 0, bytesRead, at);
      at += bytesWritten;
    }
    await syncLater(handle.fd);
  } finally {
    await handle.close();
  }
}
