import { randomBytes } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Digest, DigestMeter } from '../base/digest.ts';
import { messageOf, systemCode, VelocityError } from '../base/errors.ts';
import { pipeInto } from '../base/pipe-into.ts';
import { type Announced, assertAsAnnounced, toReadable, VerifyingStream } from './body.ts';

/** Larger bodies go to a temporary file, so memory stays bounded whatever is uploaded. */
const IN_MEMORY_BYTES = 4 * 1024 * 1024;
const READ_CHUNK_BYTES = 256 * 1024;

/**
 * Digests of buffers made here, which nobody writes to. A retrying store hands its own on to a driver that
 * spools too, and their bytes are not gone through a second time.
 */
const measured = new WeakMap<Uint8Array, Digest>();

/** A body whose length and digest are known before its first byte is read. */
export interface KnownBody {
  readonly sizeBytes: number;
  readonly digest: Digest;
  /** The body from its start. */
  read(): Readable | Uint8Array;
  /** Whether `read` may be called again. */
  readonly isRepeatable: boolean;
}

/**
 * Gives a body to a backend that must know its length and digest first: what was announced goes straight
 * through, its last chunk only when the digest was right; else the body is taken in before.
 */
export async function withKnownBody<T>(
  body: Readable | Uint8Array,
  announced: Announced,
  use: (known: KnownBody) => Promise<T>,
): Promise<T> {
  const { sizeBytes, digest } = announced;
  if (body instanceof Readable && sizeBytes !== undefined && digest !== undefined) {
    const read = (): Readable => pipeInto(body, new VerifyingStream({ sizeBytes, digest }));
    return use({ sizeBytes, digest, read, isRepeatable: false });
  }
  const spooled = await spool(body, announced);
  try {
    return await use({
      sizeBytes: spooled.sizeBytes,
      digest: spooled.digest,
      read: () => spooled.read(),
      isRepeatable: true,
    });
  } finally {
    await spooled.dispose();
  }
}

/** A body that is here as a whole: its length and digest are known, and it can be read again. */
export interface Spooled {
  readonly sizeBytes: number;
  readonly digest: Digest;
  /** The body from its start; may be called several times, one after the other. */
  read(): Readable | Uint8Array;
  /** Frees what the spool holds. */
  dispose(): Promise<void>;
}

/**
 * Takes a body in before it is passed on, for backends that must know its length or digest
 * first. A body that breaks off, or is not what was announced, is thrown away here.
 */
export async function spool(body: Readable | Uint8Array, announced: Announced): Promise<Spooled> {
  if (body instanceof Uint8Array) {
    const digest = measured.get(body);
    if (digest !== undefined) {
      assertAsAnnounced(announced, body.length, digest);
      return inMemory(body, digest);
    }
  }
  const meter = new DigestMeter();
  const chunks: Uint8Array[] = [];
  let file: FileHandle | undefined;
  try {
    const arriving: AsyncIterable<Uint8Array> = toReadable(body).iterator({ destroyOnReturn: false });
    for await (const chunk of arriving) {
      meter.update(chunk);
      chunks.push(chunk);
      if (meter.bytes <= IN_MEMORY_BYTES) continue;
      file ??= await openUnlinked();
      for (const waiting of chunks.splice(0)) await file.writeFile(waiting);
    }
    const digest = meter.digest();
    assertAsAnnounced(announced, meter.bytes, digest);
    return spooled(meter.bytes, digest, chunks, file);
  } catch (error) {
    await file?.close();
    throw systemCode(error) === 'ENOSPC' ? noRoom(error) : error;
  }
}

function inMemory(bytes: Uint8Array, digest: Digest): Spooled {
  return { sizeBytes: bytes.length, digest, read: () => bytes, dispose: async () => {} };
}

function spooled(
  sizeBytes: number,
  digest: Digest,
  chunks: Uint8Array[],
  file: FileHandle | undefined,
): Spooled {
  if (!file) {
    const bytes = Buffer.concat(chunks);
    measured.set(bytes, digest);
    return inMemory(bytes, digest);
  }
  return {
    sizeBytes,
    digest,
    read: () => Readable.from(chunksOf(file), { objectMode: false }),
    dispose: () => file.close(),
  };
}

/** Not a `ReadStream`: that closes the file where its reader breaks off, and nobody could read again. */
async function* chunksOf(file: FileHandle): AsyncIterable<Buffer> {
  for (let position = 0; ; ) {
    const { buffer, bytesRead } = await file.read(
      Buffer.allocUnsafe(READ_CHUNK_BYTES),
      0,
      READ_CHUNK_BYTES,
      position,
    );
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The name is gone at once: whatever ends this process, the disk gets its room back. */
async function openUnlinked(): Promise<FileHandle> {
  const path = join(tmpdir(), `velocity-spool-${randomBytes(12).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

/** Which folder that is stays in the cause, for the log: the message is told to clients. */
function noRoom(error: unknown): VelocityError {
  const cause = new Error(`in ${tmpdir()}: ${messageOf(error)}`, { cause: error });
  return new VelocityError(
    'STORAGE_FULL',
    'No room for an upload in the server’s folder of temporary files.',
    { cause },
  );
}
