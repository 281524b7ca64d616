import { write as writeWith } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { digestOf } from '../base/digest.ts';
import { eachChunk } from '../base/each-chunk.ts';
import { VelocityError } from '../base/errors.ts';
import type { DigestPool } from '../base/file-digest/digest-pool.ts';
import { closeFile, type Descriptor, statFile } from '../storage/drivers/local/descriptor.ts';
import { toFailure } from '../storage/drivers/local/local-failure.ts';
import { QUICK_BYTES } from '../storage/drivers/local/quick-calls.ts';
import { BatchWriter } from './batch-writer.ts';
import type { FilePath } from './file-path.ts';
import type { Folder, OpenFile } from './folder.ts';
import type { Content } from './journal/journal-entry.ts';

const writeLater = promisify(writeWith);

/** A body that has come, in a temporary file that is still open. */
export interface ReceivedFile {
  /** Where it lies. */
  readonly file: string;
  /** Of the file, for the journal. */
  readonly name: string;
  readonly descriptor: Descriptor;
  readonly content: Content;
}

export interface PatchSpan {
  readonly first: number;
  /** How many bytes must come; `undefined`: as many as come. */
  readonly length: number | undefined;
}

export interface ReceiveOptions {
  /** As announced; a body of another length is `BODY_TRUNCATED`. */
  readonly sizeBytes?: number | undefined;
  /** Nobody else holds its chunks: they are empty once they are written. */
  readonly ownsChunks?: boolean | undefined;
  /** Told of every piece of it, when that is here. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Takes bodies in: into temporary files, digested by other threads meanwhile. */
export class Incoming {
  readonly #folder: Folder;
  readonly #digests: DigestPool;

  constructor(folder: Folder, digests: DigestPool) {
    this.#folder = folder;
    this.#digests = digests;
  }

  /** Whoever gets it lets it go. A body that fails leaves nothing behind. */
  async receive(body: Readable, options: ReceiveOptions = {}): Promise<ReceivedFile> {
    return this.#make(async (descriptor) => {
      const content = await this.#write(descriptor, body, options);
      assertLength(content.sizeBytes, options.sizeBytes);
      return content;
    });
  }

  /** A copy of a file. */
  async receiveCopy(opened: OpenFile, path: FilePath): Promise<ReceivedFile> {
    return this.#make(async (descriptor, file) => {
      await this.#folder.copyTo(file, opened, path);
      return this.#digestOpen(descriptor);
    });
  }

  /** A copy of a file with a body written into it. */
  async receivePatch(
    opened: OpenFile,
    path: FilePath,
    body: Readable,
    { first, length }: PatchSpan,
  ): Promise<ReceivedFile> {
    return this.#make(async (descriptor, file) => {
      await this.#folder.copyTo(file, opened, path);
      let at = first;
      for await (const chunk of body.iterator({ destroyOnReturn: false })) {
        if (length !== undefined && at + chunk.length > first + length)
          assertLength(at + chunk.length - first, length);
        await writeAt(descriptor, chunk, at);
        at += chunk.length;
      }
      assertLength(at - first, length);
      return this.#digestOpen(descriptor);
    });
  }

  /** The bytes of a file that somebody else wrote; `undefined`: there is none. */
  async measure(path: FilePath): Promise<Content | undefined> {
    const opened = await this.#folder.open(path);
    if (opened === undefined || opened === 'folder') return undefined;
    try {
      return await this.#digestOpen(opened.descriptor);
    } finally {
      closeFile(opened.descriptor);
    }
  }

  /** Closes it, and removes it where it was not put in its place. */
  async letGo({ file, descriptor, content }: ReceivedFile, isPlaced: boolean): Promise<void> {
    const { calls } = this.#folder;
    await calls.closeWritten(descriptor, content.sizeBytes).catch(() => {});
    if (!isPlaced) await calls.unlink(file).catch(() => {}); // the next start removes it
  }

  async #digestOpen(descriptor: Descriptor): Promise<Content> {
    const sizeBytes = statFile(descriptor).size;
    return { sha256: await this.#digests.begin(descriptor).end(sizeBytes), sizeBytes };
  }

  async #make(fill: (descriptor: Descriptor, file: string) => Promise<Content>): Promise<ReceivedFile> {
    const { temp, calls } = this.#folder;
    const file = temp.next();
    try {
      const descriptor = await calls.open(file, 'wx+');
      try {
        return { file, name: basename(file), descriptor, content: await fill(descriptor, file) };
      } catch (error) {
        await calls.closeWritten(descriptor, 0).catch(() => {});
        throw error;
      }
    } catch (error) {
      await calls.unlink(file).catch(() => {});
      throw toFailure('write a file', error);
    }
  }

  async #write(
    descriptor: Descriptor,
    body: Readable,
    { ownsChunks = false, onBytes }: ReceiveOptions,
  ): Promise<Content> {
    const { calls } = this.#folder;
    let digest: ReturnType<DigestPool['begin']> | undefined;
    const onWritten = (upTo: number): void => {
      digest ??= this.#digests.begin(descriptor);
      digest.grown(upTo);
    };
    const writer = new BatchWriter({ descriptor, calls, ownsChunks, onWritten });
    try {
      await eachChunk(body, (chunk) => {
        onBytes?.(chunk.length);
        return writer.add(chunk);
      });
      const { sizeBytes } = writer;
      const small = sizeBytes <= QUICK_BYTES ? writer.whole : undefined;
      if (small) {
        await calls.write(descriptor, [small]);
        return { sha256: digestOf(small), sizeBytes };
      }
      await writer.end();
      if (digest === undefined) throw new Error('unreachable: it was begun');
      return { sha256: await digest.end(sizeBytes), sizeBytes };
    } catch (error) {
      await writer.settled();
      await digest?.abort();
      throw error;
    }
  }
}

function assertLength(sizeBytes: number, announced: number | undefined): void {
  if (announced === undefined || sizeBytes === announced) return;
  if (sizeBytes < announced)
    throw new VelocityError('BODY_TRUNCATED', `The body has ${sizeBytes} bytes of ${announced}.`);
  throw new VelocityError(
    'BAD_REQUEST',
    `The body has more than the ${announced} bytes that it is announced with.`,
  );
}

async function writeAt(descriptor: Descriptor, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await writeLater(descriptor, bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
