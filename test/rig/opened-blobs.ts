import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { lstat, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf } from '../../src/base/digest.ts';
import { DigestPool } from '../../src/base/file-digest/digest-pool.ts';
import type { BlobTroubleKind } from '../../src/files/blobs/blob-trouble.ts';
import { Blobs } from '../../src/files/blobs/blobs.ts';
import { QuickCalls } from '../../src/storage/drivers/local/quick-calls.ts';
import { ManualClock } from './manual-clock.ts';
import { openTempFolder, type TempFolder } from './temp-folder.ts';
import { until } from './until.ts';

/** Counts how often it was asked, and does it. */
export class CountingPool extends DigestPool {
  asked = 0;

  override digestFile(...asked: Parameters<DigestPool['digestFile']>): ReturnType<DigestPool['digestFile']> {
    this.asked++;
    return super.digestFile(...asked);
  }
}

/** Blobs beside a folder of files, and the usual moves of those who write these. */
export class OpenedBlobs implements AsyncDisposable {
  readonly folder: string;
  readonly pool = new CountingPool({ threads: 1 });
  /** The disk’s own time, for what it says of files. */
  readonly clock = new ManualClock(Date.now() + 1000);
  readonly troubles: BlobTroubleKind[] = [];
  blobs: Blobs;
  readonly #temp: TempFolder;

  private constructor(temp: TempFolder) {
    this.#temp = temp;
    this.folder = temp.path;
    this.blobs = undefined as unknown as Blobs; // made by `restart`, which follows
  }

  static async open(): Promise<OpenedBlobs> {
    const opened = new OpenedBlobs(await openTempFolder());
    await mkdir(opened.state);
    await opened.restart();
    return opened;
  }

  get state(): string {
    return join(this.folder, '.velocity');
  }

  /** As a process does that knows nothing of what the one before it knew. */
  async restart(): Promise<void> {
    const { state: stateFolder, pool, clock, troubles } = this;
    const onTrouble = (kind: BlobTroubleKind): void => void troubles.push(kind);
    this.blobs = await Blobs.open({ stateFolder, pool, clock, calls: new QuickCalls(clock), onTrouble });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  blobPath(digest: Digest): string {
    return join(this.state, 'blobs-v1', digest.slice(0, 2), digest);
  }

  /** Writes a file as the server does: aside, kept, then put in its place. */
  async put(name: string, text: string): Promise<Digest> {
    const digest = digestOf(text);
    const temp = this.path(`${name}.new`);
    await writeFile(temp, text);
    await this.blobs.keep(temp, digest, Buffer.byteLength(text));
    await rename(temp, this.path(name));
    return digest;
  }

  /** What is given out; `undefined`: nothing. */
  async read(digest: Digest): Promise<string | undefined> {
    await using blob = await this.blobs.open(digest);
    return blob && (await readFile(blob.handle, 'utf8'));
  }

  async linksOf(digest: Digest): Promise<number> {
    return (await lstat(this.blobPath(digest))).nlink;
  }

  /** Until the disk tells files apart by their time that are touched before and after. */
  async tick(): Promise<void> {
    const probe = join(this.state, 'probe');
    const touch = (): number => {
      writeFileSync(probe, 'x');
      return Math.floor(statSync(probe).ctimeMs);
    };
    const before = touch();
    await until(async () => touch() > before);
  }

  /** Names of all that is being put in its place. */
  get temporary(): readonly string[] {
    return readdirSync(join(this.state, 'blobs-v1-tmp'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close();
    await this.#temp[Symbol.asyncDispose]();
  }
}
