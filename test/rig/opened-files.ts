import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { FilePath } from '../../src/files/file-path.ts';
import type { Files } from '../../src/files/files.ts';
import type { JournalEntry } from '../../src/files/journal/journal-entry.ts';
import { type OpenedFiles, openFiles } from '../../src/files/open-files.ts';
import { ManualClock } from './manual-clock.ts';
import { openTempFolder, type TempFolder } from './temp-folder.ts';

const DAY_MS = 24 * 3600_000;

/** Files over a temporary folder, without a door. */
export class OpenedTempFiles implements AsyncDisposable {
  readonly root: string;
  readonly clock = new ManualClock(Date.now());
  readonly troubles: string[] = [];
  opened: OpenedFiles;
  readonly #temp: TempFolder;

  private constructor(temp: TempFolder) {
    this.#temp = temp;
    this.root = join(temp.path, 'files');
    this.opened = undefined as unknown as OpenedFiles; // made by `restart`, which follows
  }

  static async open(): Promise<OpenedTempFiles> {
    const opened = new OpenedTempFiles(await openTempFolder());
    await opened.#open();
    return opened;
  }

  get files(): Files {
    return this.opened.files;
  }

  /** As after a stop: nothing is known but what is on the disk. @param meanwhile what happens to it */
  async restart(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    await this.opened.close();
    await meanwhile();
    await this.#open();
  }

  /** Where a path lies on the disk. */
  at(path: string): string {
    return join(this.root, path);
  }

  /** What is being written. */
  get temporary(): readonly string[] {
    return readdirSync(this.at('.velocity/tmp'));
  }

  onDisk(path: string): string {
    return readFileSync(this.at(path), 'utf8');
  }

  async put(path: string, body: string): Promise<JournalEntry> {
    return this.files.put(path as FilePath, Readable.from([Buffer.from(body)]), {});
  }

  /** `undefined`: there is no file. */
  async read(
    path: string,
  ): Promise<{ text: string; etag: string; revision: number | undefined } | undefined> {
    const reading = await this.files.reader.open(path as FilePath);
    if (reading === undefined || reading === 'folder') return undefined;
    const { etag, revision } = reading.facts;
    return { text: await text(reading.stream()), etag, revision };
  }

  opsOf(path: string): readonly string[] {
    return this.files.journal.history(path as FilePath, { limit: 10_000 }).map(({ op }) => op);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened.close();
    await this.#temp[Symbol.asyncDispose]();
  }

  async #open(): Promise<void> {
    this.opened = await openFiles(
      {
        filesHistoryMaxAge: 90 * DAY_MS,
        filesHistoryBodiesFor: 7 * DAY_MS,
        filesHistoryMaxBytes: 2 ** 30,
        filesHistoryMaxBody: 2 ** 30,
      },
      { root: this.root, clock: this.clock, onTrouble: (kind) => void this.troubles.push(kind) },
    );
  }
}
