import { futimesSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { VelocityError } from '../base/errors.ts';
import { unreachable } from '../base/unreachable.ts';
import { closeFile } from '../storage/drivers/local/descriptor.ts';
import type { Blobs } from './blobs/blobs.ts';
import type { FilePath } from './file-path.ts';
import { FileReading } from './file-reading.ts';
import { fileState } from './file-state.ts';
import type { Folder, OpenFile } from './folder.ts';
import type { Journal } from './journal/journal.ts';
import type { JournalEntry } from './journal/journal-entry.ts';

/** A state of a file: what it became by a revision, or what it was at a moment, in milliseconds since the epoch. */
export type PointInTime = { readonly seq: number } | { readonly ts: number };

/** Why a moment's bytes are not to be had. */
export type NoPast =
  | { readonly kind: 'never' }
  | { readonly kind: 'folder' }
  /** There was no file any more; since when, in milliseconds since the epoch. */
  | { readonly kind: 'deleted'; readonly since: number }
  /** The entries of that time, or the bytes, are not kept any longer. */
  | { readonly kind: 'not-retained'; readonly why: string };

/** As an error; when a file was deleted is said in a field of its own, too. */
export function notToBeHad(past: NoPast): VelocityError {
  switch (past.kind) {
    case 'never':
      return new VelocityError('NOT_FOUND', 'There was no such file then.');
    case 'folder':
      return new VelocityError('NOT_FOUND', 'It was a folder then; the past of folders is not kept.');
    case 'deleted':
      return new VelocityError('NOT_FOUND', `The file was deleted at ${new Date(past.since).toISOString()}.`);
    case 'not-retained':
      return new VelocityError('NOT_RETAINED', `What the file was then is not to be had: ${past.why}.`);
    default:
      return unreachable(past);
  }
}

export interface FileReaderOptions {
  readonly folder: Folder;
  readonly journal: Journal;
  readonly blobs: Blobs;
  readonly clock: Clock;
}

/** `find -atime` counts in days, and mounts with `noatime` or `relatime` keep less than the truth. */
const USED_AFTER_MS = 60_000;

/** To libuv a time that is none is one that stays, to the nanosecond; it is what other programs know a file by. */
const AS_IT_IS = new Date(Number.NaN);

/** Opens files as they are, and as they were. */
export class FileReader {
  readonly #options: FileReaderOptions;
  /** How many read each path now. */
  readonly #open = new Map<FilePath, number>();

  constructor(options: FileReaderOptions) {
    this.#options = options;
  }

  isRead(path: FilePath): boolean {
    return this.#open.has(path);
  }

  /** The file as it is now. */
  async open(path: FilePath): Promise<FileReading | 'folder' | undefined> {
    const { folder, journal } = this.#options;
    const file = await folder.open(path);
    if (file === undefined || file === 'folder') return file;
    this.#noteUse(file);
    const { etag, content, entry } = fileState(journal, path, file);
    const facts = { sizeBytes: file.sizeBytes, etag, modifiedAt: file.modifiedAt };
    this.#open.set(path, (this.#open.get(path) ?? 0) + 1);
    return new FileReading(
      { ...facts, sha256: content?.sha256, revision: entry?.seq },
      file.descriptor,
      folder.calls,
      {
        close: () => {
          closeFile(file.descriptor);
          this.#closed(path);
        },
      },
    );
  }

  /** The file as it was. */
  async openPast(path: FilePath, point: PointInTime): Promise<FileReading | NoPast> {
    const { journal } = this.#options;
    const entry = 'ts' in point ? journal.at(path, point.ts) : journal.revision(path, point.seq);
    if (entry === undefined) return { kind: 'never' };
    if (entry === 'pruned')
      return { kind: 'not-retained', why: 'the journal of that time is not kept any longer' };
    if (entry.op === 'gap') return { kind: 'not-retained', why: entry.reason ?? 'nobody wrote it down' };
    if (entry.op === 'mkdir' || entry.op === 'dir_moved_to') return { kind: 'folder' };
    if (!entry.after) return { kind: 'deleted', since: entry.ts };
    return (
      (await this.#openCurrent(path, entry)) ??
      (await this.#openKept(entry)) ?? { kind: 'not-retained', why: 'only its hash and size were kept' }
    );
  }

  /** Where the path has the very bytes of the entry now. */
  async #openCurrent(path: FilePath, entry: JournalEntry): Promise<FileReading | undefined> {
    const reading = await this.open(path);
    if (reading === undefined || reading === 'folder') return undefined;
    if (reading.facts.sha256 === entry.after?.sha256)
      return reading.as({ modifiedAt: entry.ts, revision: entry.seq });
    reading.close();
    return undefined;
  }

  async #openKept({ after, ts, seq }: JournalEntry): Promise<FileReading | undefined> {
    const { blobs, folder } = this.#options;
    const kept = after && (await blobs.open(after.sha256));
    if (!kept) return undefined;
    const facts = { sizeBytes: after.sizeBytes, etag: after.sha256, sha256: after.sha256 };
    return new FileReading({ ...facts, modifiedAt: ts, revision: seq }, kept.handle.fd, folder.calls, {
      close: () => void kept[Symbol.asyncDispose](),
      isUnchanged: () => kept.isUnchanged(),
    });
  }

  #noteUse({ descriptor, usedAt }: OpenFile): void {
    const now = this.#options.clock.now();
    if (Math.abs(now - usedAt) <= USED_AFTER_MS) return; // one from the future would never be unread
    try {
      futimesSync(descriptor, now / 1000, AS_IT_IS);
    } catch {} // a folder that is only read
  }

  #closed(path: FilePath): void {
    const others = (this.#open.get(path) ?? 1) - 1;
    if (others === 0) this.#open.delete(path);
    else this.#open.set(path, others);
  }
}
