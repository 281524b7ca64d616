import { closeSync, openSync, readFileSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { type Digest, DigestMeter, digestOf } from '../../base/digest.ts';
import { systemCode } from '../../base/errors.ts';
import { statsOf } from '../stats-of.ts';

/** What of a file counts for a key. */
export interface FileFacts {
  readonly digest: Digest;
  /** `x`: executable; `l`: a symbolic link, whose digest is of its target's text; `-`: any other. Git knows no more. */
  readonly mode: 'x' | 'l' | '-';
}

/**
 * Digests of files by what `lstat` says of them: a file that looks unchanged is not read again.
 * Recorded between runs as rows of `path, size, mtime, ctime, inode, mode, digest`.
 */
export type FileRow = readonly [string, number, number, number, number, FileFacts['mode'], Digest];

/** Larger files are read in parts. */
const READ_BYTES = 1024 * 1024;

/**
 * A file that was written this shortly before it was read may be written again within one tick
 * of the file system's clock, and look the same. Its row is not kept, as git does not trust such entries.
 */
const RACY_MS = 50;

export class FileDigests {
  readonly #root: string;
  readonly #known = new Map<string, FileRow>();
  readonly #fresh = new Map<string, FileRow>();
  readonly #racy = new Set<string>();
  #changed = false;

  constructor(root: string, rows: Iterable<FileRow>) {
    this.#root = root;
    for (const row of rows) this.#known.set(row[0], row);
  }

  /**
   * The facts of a file, by its path from the root; `undefined` where there is no such file.
   * A folder that git lists as a file (a submodule that is not checked out) counts as none.
   */
  factsOf(path: string): FileFacts | undefined {
    const absolute = join(this.#root, path);
    const stats = statsOf(absolute);
    if (stats === undefined || stats.isDirectory()) return undefined;
    const row = this.#known.get(path);
    if (row && looksUnchanged(row, stats)) {
      this.#fresh.set(path, row);
      return { digest: row[6], mode: row[5] };
    }
    this.#changed = true;
    return this.#read(path, absolute, stats);
  }

  /** Rows worth keeping for the next run: of the files that were asked for. `undefined` where nothing changed. */
  rowsToKeep(nowMs: number): FileRow[] | undefined {
    if (!this.#changed && this.#fresh.size === this.#known.size) return undefined;
    return [...this.#fresh.values()].filter((row) => !this.#racy.has(row[0]) && !isRacy(row, nowMs));
  }

  #read(path: string, absolute: string, stats: Stats): FileFacts | undefined {
    const readAtMs = Date.now();
    const mode = stats.isSymbolicLink() ? 'l' : stats.mode & 0o111 ? 'x' : '-';
    const digest = mode === 'l' ? digestOf(readlinkSync(absolute)) : digestFile(absolute, stats.size);
    if (digest === undefined) return undefined;
    const row: FileRow = [path, stats.size, stats.mtimeMs, stats.ctimeMs, stats.ino, mode, digest];
    this.#known.set(path, row);
    this.#fresh.set(path, row);
    if (isRacy(row, readAtMs)) this.#racy.add(path);
    else this.#racy.delete(path);
    return { digest, mode };
  }
}

/** SHA-256 of a file; `undefined` where it vanished. Synchronous: a third of the time of promises on small files. */
export function digestFile(path: string, sizeHint: number): Digest | undefined {
  try {
    return sizeHint <= READ_BYTES ? digestOf(readFileSync(path)) : digestInParts(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function digestInParts(path: string): Digest {
  const meter = new DigestMeter();
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
      meter.update(buffer.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return meter.digest();
}

function isRacy([, , mtimeMs, ctimeMs]: FileRow, atMs: number): boolean {
  return atMs - Math.max(mtimeMs, ctimeMs) <= RACY_MS;
}

function looksUnchanged([, size, mtimeMs, ctimeMs, inode]: FileRow, stats: Stats): boolean {
  return size === stats.size && mtimeMs === stats.mtimeMs && ctimeMs === stats.ctimeMs && inode === stats.ino;
}
