import { type Dirent, existsSync, statSync, unlinkSync } from 'node:fs';
import { readdir, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { systemCode } from '../../base/errors.ts';
import { closeFile, type Descriptor, statFile } from '../../storage/drivers/local/descriptor.ts';
import { isOnLocalDisk } from '../../storage/drivers/local/local-disk.ts';
import { makeFolder, withFolder } from '../../storage/drivers/local/make-folder.ts';
import { QuickCalls } from '../../storage/drivers/local/quick-calls.ts';
import { TempFiles } from '../../storage/drivers/local/temp-files.ts';
import { type EntryLayout, OWN_LAYOUT } from './entry-layout.ts';
import { encodeUse, MAX_RECORD_BYTES } from './entry-record.ts';

export type FileKind = 'bin' | 'json';

/**
 * An entry is two files, a body and a record; in the tier's own layout:
 *
 *     cache-v1/<first two digits>/<SHA-256 of the key>.bin
 *     cache-v1/<first two digits>/<SHA-256 of the key>.json
 *     cache-v1-tmp/…     what is being written
 *     cache-v1-lock      which process uses the folder
 *
 * Two files cannot be published in one step, so the record makes the entry: it comes last and goes first. An entry that
 * is replaced loses its record, then has its body replaced, then gets the new record; so a process that is killed at any
 * instant leaves two files that belong together, or one of them, which is an orphan and removed at the next start. After
 * a power cut the disk may hold any mixture, for nothing is flushed; the checksums in the record then refuse the body.
 */
export class EntryFiles {
  readonly calls: QuickCalls;
  readonly layout: EntryLayout;
  readonly folder: string;
  readonly lock: string;
  /** Nobody writes to it but this machine, which would see it. */
  readonly isLocal: boolean;
  readonly #temp: TempFiles;

  private constructor(root: string, clock: Clock, layout: EntryLayout, isLocal: boolean) {
    this.layout = layout;
    this.folder = join(root, layout.entries);
    this.lock = join(root, layout.lock);
    this.isLocal = isLocal;
    this.calls = new QuickCalls(clock, !isLocal);
    this.#temp = new TempFiles(join(root, layout.temp), clock);
  }

  /** Makes the folders. */
  static async open(root: string, clock: Clock, layout: EntryLayout = OWN_LAYOUT): Promise<EntryFiles> {
    await makeFolder(join(root, layout.entries));
    await makeFolder(join(root, layout.temp));
    return new EntryFiles(root, clock, layout, await isOnLocalDisk(root));
  }

  /** Removes what dead processes were writing; how many files that were. */
  sweep(): Promise<number> {
    return this.#temp.sweep();
  }

  pathOf(name: string, kind: FileKind): string {
    return join(this.folder, name.slice(0, this.layout.shardDigits), `${name}.${kind}`);
  }

  /** A name for a file that nobody else writes. */
  nextTemp(): string {
    return this.#temp.next();
  }

  /** @returns where it is, until it is placed */
  async writeTemp(bytes: Buffer): Promise<string> {
    const path = this.nextTemp();
    const file = await withFolder(path, () => this.calls.open(path, 'wx'));
    try {
      try {
        await this.calls.write(file, [bytes]);
      } finally {
        await this.calls.closeWritten(file, bytes.length);
      }
      return path;
    } catch (error) {
      await this.unlink(path).catch(() => {});
      throw error;
    }
  }

  async place(temp: string, name: string, kind: FileKind): Promise<void> {
    const path = this.pathOf(name, kind);
    await withFolder(path, () => this.calls.rename(temp, path));
  }

  /** What is not there is removed. */
  async unlink(path: string): Promise<void> {
    await this.calls.run(
      () => (existsSync(path) ? unlinkSync(path) : undefined),
      () =>
        unlink(path).catch((error: unknown) => {
          if (systemCode(error) !== 'ENOENT') throw error;
        }),
    );
  }

  /** The record's bytes. `undefined`: it is not there, or larger than any. */
  async readRecord(name: string): Promise<Buffer | undefined> {
    const file = await this.#openThere(name, 'json');
    if (file === undefined) return undefined;
    try {
      const { size } = statFile(file);
      return size > MAX_RECORD_BYTES ? undefined : await this.calls.read(file, 0, size);
    } finally {
      closeFile(file);
    }
  }

  /** `undefined`: it is not there, or not of this size. */
  async openBody(name: string, sizeBytes: number): Promise<Descriptor | undefined> {
    const file = await this.#openThere(name, 'bin');
    if (file === undefined || statFile(file).size === sizeBytes) return file;
    closeFile(file);
    return undefined;
  }

  /** The size of a file that is there. */
  async sizeOf(name: string, kind: FileKind): Promise<number> {
    const path = this.pathOf(name, kind);
    return (
      await this.calls.run(
        () => statSync(path),
        () => stat(path),
      )
    ).size;
  }

  /** In place, in one small write at the file's beginning. An entry that is gone has no use to note. */
  async writeUse(name: string, lastUsedAt: number, uses: number): Promise<void> {
    const file = await this.calls.open(this.pathOf(name, 'json'), 'r+');
    const bytes = encodeUse(lastUsedAt, uses, this.layout.record);
    try {
      await this.calls.write(file, [bytes]);
    } finally {
      await this.calls.closeWritten(file, bytes.length);
    }
  }

  /** Whatever is in the way where a file of ours belongs: a folder, say. */
  async clear(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true });
  }

  list(folder: string): Promise<Dirent[]> {
    return readdir(folder, { withFileTypes: true });
  }

  async #openThere(name: string, kind: FileKind): Promise<Descriptor | undefined> {
    try {
      return await this.calls.open(this.pathOf(name, kind), 'r');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}
