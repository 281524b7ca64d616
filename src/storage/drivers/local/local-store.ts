import { createReadStream, existsSync, type Stats } from 'node:fs';
import { access, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { type ByteRange, resolveByteRange } from '../../../base/byte-range.ts';
import { type Clock, systemClock } from '../../../base/clock.ts';
import { DigestMeter } from '../../../base/digest.ts';
import { systemCode } from '../../../base/errors.ts';
import { assertAsAnnounced, toReadable } from '../../body.ts';
import type { ObjectKey } from '../../object-key.ts';
import { objectOfBytes } from '../../object-of-bytes.ts';
import type {
  Got,
  ListedObject,
  ListOptions,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  PutOutcome,
} from '../../store.ts';
import { type BlobFacts, encodeTrailer, readFacts, readWhole } from './blob-file.ts';
import { closeFile, type Descriptor, flushFile, statFile } from './descriptor.ts';
import { keyFromText, keyToPath } from './key-path.ts';
import { isOnLocalDisk } from './local-disk.ts';
import { toFailure } from './local-failure.ts';
import { makeFolder } from './make-folder.ts';
import { QUICK_BYTES, QuickCalls } from './quick-calls.ts';
import { TempFiles } from './temp-files.ts';
import { walk } from './walk.ts';

export interface LocalStoreOptions {
  readonly root: string;
  /** Flush each object to the disk before it is published. Off by default: a torn file is found by its trailer. */
  readonly fsync?: boolean;
  /** Whether a probe tries that the folder can be read alone, or written too; that is the default. Opening probes. */
  readonly probes?: 'reads' | undefined;
  readonly clock?: Clock;
  /** Told of each damaged file that was found. */
  readonly onDamaged?: (key: ObjectKey, what: string) => void;
}

/** Some milliseconds. */
const LISTED_IN_A_ROW = 64;
/** Chunks are gathered to this size before they are written: fewer, larger system calls. */
const WRITE_BATCH_BYTES = 512 * 1024;
const READ_CHUNK_BYTES = 256 * 1024;
/** A use is written down when the last one is older: one write an hour for what is used all the time. */
const USED_AFTER_MS = 3600_000;

/** The format of folder and files; a new one gets a new folder. */
const OBJECTS_FOLDER = 'store-v1';
/** Beside the objects, on their file system, as `link` and `rename` need; a name nobody else gives a folder. */
const TEMP_FOLDER = `${OBJECTS_FOLDER}-tmp`;

/** All that a store makes below its root; the root may hold other people's files too. */
export const LOCAL_STORE_FOLDERS = [OBJECTS_FOLDER, TEMP_FOLDER] as const;

interface OpenBlob {
  readonly file: Descriptor;
  readonly stats: Stats;
  readonly facts: BlobFacts;
  /** The body, where the file was small enough to be read at once. */
  readonly bytes?: Buffer;
}

/** Objects as files below one folder of this machine. Any number of processes may share the folder. */
export class LocalStore implements ObjectStore {
  readonly driver = 'local';
  readonly capabilities = { conditionalPut: true, presign: 'none' } as const;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #temp: TempFiles;
  readonly #calls: QuickCalls;
  readonly #fsync: boolean;
  readonly #probes: 'reads' | undefined;
  readonly #onDamaged: (key: ObjectKey, what: string) => void;

  private constructor(folder: string, options: LocalStoreOptions, isLocal: boolean) {
    this.#folder = folder;
    this.#clock = options.clock ?? systemClock;
    this.#temp = new TempFiles(join(options.root, TEMP_FOLDER), this.#clock);
    this.#calls = new QuickCalls(this.#clock, !isLocal);
    this.#fsync = options.fsync ?? false;
    this.#probes = options.probes;
    this.#onDamaged = options.onDamaged ?? (() => {});
  }

  /**
   * Makes the folders and removes what writers that died left behind.
   * @throws VelocityError `STORAGE_UNAVAILABLE` where the folder cannot be made or written.
   */
  static async open(options: LocalStoreOptions): Promise<LocalStore> {
    const store = await translate(`open the folder ${options.root}`, async () => {
      const folder = join(options.root, OBJECTS_FOLDER);
      await makeFolder(folder);
      const opened = new LocalStore(folder, options, await isOnLocalDisk(folder));
      await opened.#temp.sweep().catch((error: unknown) => {
        if (options.probes !== 'reads') throw error; // else a folder that can only be read will do
      });
      return opened;
    });
    await store.probe();
    return store;
  }

  /** Whether there is a store below this folder already. */
  static isAt(root: string): boolean {
    return existsSync(join(root, OBJECTS_FOLDER));
  }

  async head(key: ObjectKey): Promise<ObjectFacts | undefined> {
    const blob = await this.#openBlob(key);
    if (!blob) return undefined;
    closeFile(blob.file);
    return toObjectFacts(blob);
  }

  async get(key: ObjectKey, range?: ByteRange): Promise<Got> {
    const blob = await this.#openBlob(key, QUICK_BYTES);
    if (!blob) return undefined;
    const { file, facts, bytes } = blob;
    const span = range ? resolveByteRange(range, facts.sizeBytes) : 'whole';
    if (span === undefined || facts.sizeBytes === 0 || bytes) {
      closeFile(file);
      if (span === undefined) return 'unsatisfiable';
      const asked = span === 'whole' ? bytes : bytes?.subarray(span.first, span.last + 1);
      return objectOfBytes(toObjectFacts(blob), span, asked ?? Buffer.alloc(0));
    }
    const [start, end] = span === 'whole' ? [0, facts.sizeBytes - 1] : [span.first, span.last];
    const body = createReadStream('', { fd: file, start, end, highWaterMark: READ_CHUNK_BYTES });
    return { facts: toObjectFacts(blob), span, body };
  }

  async put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    const temp = this.#temp.next();
    return translate(`store ${key}`, async () => {
      try {
        await this.#write(temp, key, body, options);
        return await this.#publish(temp, key, options.ifAbsent);
      } finally {
        await this.#remove(temp);
      }
    });
  }

  async delete(key: ObjectKey): Promise<void> {
    await translate(`delete ${key}`, () => this.#remove(this.#pathOf(key)));
  }

  async *list({ prefix, after }: ListOptions): AsyncIterable<ListedObject> {
    const latin1 = (key: string): string => Buffer.from(key).toString('latin1');
    const bounds = { prefix: latin1(prefix), after: after === undefined ? undefined : latin1(after) };
    let walked = 0;
    for await (const { text, path } of walk(this.#folder, '', bounds)) {
      // Where every file is opened at once a long listing would be one piece of work, in which nobody else has a turn.
      if (++walked % LISTED_IN_A_ROW === 0) await setImmediate();
      const key = keyFromText(text);
      const found = key && (await this.#openPath(key, path));
      if (!found) continue;
      closeFile(found.file);
      const { sizeBytes, modifiedAt } = toObjectFacts(found);
      yield { key, sizeBytes, modifiedAt, usedAt: found.stats.mtimeMs };
    }
  }

  /** This driver cannot: the door that serves its bytes signs URLs of its own. */
  async presign(): Promise<undefined> {
    return undefined;
  }

  /** Tries what the driver lives by: creating, linking and removing a file; or for reads, the folder. */
  async probe(): Promise<void> {
    if (this.#probes === 'reads') {
      await translate(`read below ${dirname(this.#folder)}`, () => access(this.#folder));
      return;
    }
    const [file, second] = [this.#temp.next(), this.#temp.next()];
    await translate(`write below ${dirname(this.#folder)}`, async () => {
      try {
        closeFile(await this.#calls.open(file, 'wx'));
        await this.#calls.link(file, second);
      } finally {
        await this.#remove(file);
        await this.#remove(second);
      }
    });
  }

  async close(): Promise<void> {}

  #pathOf(key: ObjectKey): string {
    return join(this.#folder, keyToPath(key));
  }

  async #openBlob(key: ObjectKey, atOnceBytes = 0): Promise<OpenBlob | undefined> {
    const path = this.#pathOf(key);
    const blob = await translate(`read ${key}`, () => this.#openPath(key, path, atOnceBytes));
    if (blob) this.#noteUse(path, blob.stats);
    return blob;
  }

  /** The file's time is when it was last used: what is used least goes first. Not the access time, which others change too. */
  #noteUse(path: string, { mtimeMs }: Stats): void {
    const now = this.#clock.now();
    if (now - mtimeMs <= USED_AFTER_MS) return;
    utimes(path, now / 1000, now / 1000).catch(() => {}); // removed in this moment, or a folder that is only read
  }

  /** @param atOnceBytes a file up to this size is read as a whole, for that is as cheap as its facts alone */
  async #openPath(key: ObjectKey, path: string, atOnceBytes = 0): Promise<OpenBlob | undefined> {
    const file = await this.#calls.openThere(path);
    if (file === undefined) return undefined;
    try {
      const stats = statFile(file);
      if (stats.size <= atOnceBytes) {
        const whole = await readWhole(this.#calls, file, stats.size);
        if (whole?.facts.key === key) return { file, stats, ...whole };
      } else {
        const facts = await readFacts(this.#calls, file, stats.size);
        if (facts?.key === key) return { file, stats, facts };
      }
    } catch (error) {
      closeFile(file);
      throw error;
    }
    closeFile(file);
    this.#onDamaged(key, 'the file is torn or does not belong to this key');
    await this.#remove(path).catch(() => {}); // where it cannot be removed it stays a miss
    return undefined;
  }

  async #write(
    temp: string,
    key: ObjectKey,
    body: Readable | Uint8Array,
    options: PutOptions,
  ): Promise<void> {
    const meter = new DigestMeter();
    /** What is small is not on the disk before all of it is here. */
    const isSmall = options.sizeBytes !== undefined && options.sizeBytes <= QUICK_BYTES;
    let file = isSmall ? undefined : await this.#calls.open(temp, 'wx');
    /** Written with what comes next, so that a small object is one write. */
    let held: Uint8Array[] = [];
    try {
      for await (const batch of batches(toReadable(body), options.signal)) {
        for (const chunk of batch) meter.update(chunk);
        if (held.length > 0) {
          file ??= await this.#calls.open(temp, 'wx');
          await this.#calls.write(file, held);
        }
        held = batch;
      }
      const digest = meter.digest();
      assertAsAnnounced(options, meter.bytes, digest);
      const { contentType, fields = {}, metadata = {} } = options;
      const trailer = encodeTrailer({
        key,
        sizeBytes: meter.bytes,
        digest,
        contentType,
        fields,
        metadata,
        storedAt: this.#clock.now(),
      });
      file ??= await this.#calls.open(temp, 'wx');
      await this.#calls.write(file, [...held, trailer]);
      if (this.#fsync) await flushFile(file);
    } finally {
      if (file !== undefined) await this.#calls.closeWritten(file, meter.bytes);
    }
  }

  /** `link(2)` refuses an existing name and `rename(2)` replaces it: both in one step, whoever else writes. */
  async #publish(temp: string, key: ObjectKey, ifAbsent: boolean): Promise<PutOutcome> {
    const path = this.#pathOf(key);
    const place = (): Promise<void> =>
      ifAbsent ? this.#calls.link(temp, path) : this.#calls.rename(temp, path);
    for (let attempt = 0; ; attempt++) {
      try {
        await place();
        return 'stored';
      } catch (error) {
        const code = systemCode(error);
        if (attempt >= 3 || (code !== 'ENOENT' && code !== 'EEXIST')) throw error;
        if (code === 'ENOENT') await makeFolder(dirname(path));
        // A torn file must not hold the key for ever: opening it removes it, and the next turn stores.
        else if (await this.#holds(key)) return 'exists';
      }
    }
  }

  /** What is not there is removed. */
  async #remove(path: string): Promise<void> {
    await this.#calls.unlink(path).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
  }

  async #holds(key: ObjectKey): Promise<boolean> {
    const blob = await this.#openPath(key, this.#pathOf(key));
    if (blob) closeFile(blob.file);
    return blob !== undefined;
  }
}

function toObjectFacts({ stats, facts }: OpenBlob): ObjectFacts {
  const { sizeBytes, digest, contentType, fields, metadata, storedAt = stats.mtimeMs } = facts;
  return { sizeBytes, digest, contentType, fields, metadata, etag: digest, modifiedAt: storedAt };
}

/** Chunks gathered to batches; stops with the signal. */
async function* batches(stream: Readable, signal: AbortSignal | undefined): AsyncIterable<Uint8Array[]> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    signal?.throwIfAborted();
    batch.push(chunk);
    bytes += chunk.length;
    if (bytes < WRITE_BATCH_BYTES) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  signal?.throwIfAborted();
  if (batch.length > 0) yield batch;
}

async function translate<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toFailure(doing, error);
  }
}
