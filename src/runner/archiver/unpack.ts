import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createZstdDecompress, zstdDecompress } from 'node:zlib';
import type { CacheKey } from '../../base/cache-key.ts';
import { messageOf, systemCode, VelocityError } from '../../base/errors.ts';
import { type ArtifactManifest, type OutputRecord, parseManifest } from './manifest.ts';
import type { TaskOutputs } from './outputs.ts';
import { LOG_PATH, MANIFEST_PATH, OUTPUTS_PREFIX } from './pack.ts';
import { assertRestorable } from './safe-paths.ts';
import type { TarEntry } from './tar/tar-entry.ts';
import { damaged } from './tar/tar-header.ts';
import { type TarEvent, TarParser } from './tar/tar-parser.ts';

/** An artifact's bytes, which can be read from their start more than once. */
export interface ArtifactBytes {
  readonly sizeBytes: number;
  read(): Readable | Uint8Array;
}

export interface OpenOptions {
  readonly key: CacheKey;
  readonly outputs: TaskOutputs;
  /** The package's folder, absolute. */
  readonly folder: string;
  readonly workspaceRoot: string;
  /** Outputs of more bytes are refused. */
  readonly maxBytes: number;
}

/** An artifact whose every entry was looked at and found fit to be restored. Nothing was written yet. */
export interface OpenedArtifact {
  readonly manifest: ArtifactManifest;
  readonly log: Buffer;
  /** The outputs with their bytes, in the manifest's order; to be consumed once. */
  readonly contents: AsyncIterable<OutputEvent>;
}

export type OutputEvent =
  | { readonly type: 'output'; readonly output: OutputRecord }
  /** Part of the last output's bytes. */
  | { readonly type: 'data'; readonly chunk: Buffer };

/** Artifacts up to these sizes are unpacked in memory, once; larger ones stream, and are read twice. */
const IN_MEMORY_PACKED_BYTES = 16 * 1024 * 1024;
const IN_MEMORY_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** A manifest lists every input and output; a million files need about this much. */
const MAX_MANIFEST_BYTES = 256 * 1024 * 1024;
const MAX_LOG_BYTES = 64 * 1024 * 1024;

const decompress = promisify(zstdDecompress);

/**
 * Reads an artifact to its end and checks all of it: that it is whole, is the key's, holds what its
 * manifest lists and only that, and that nothing in it would be written outside the task's outputs.
 * The caller has checked the bytes' digest.
 * @throws VelocityError `ARTIFACT_DAMAGED` or `ARTIFACT_REFUSED`
 */
export async function openArtifact(bytes: ArtifactBytes, options: OpenOptions): Promise<OpenedArtifact> {
  try {
    const tar = await unpackedInMemory(bytes);
    const chunks = (): AsyncIterable<Buffer> | Iterable<Buffer> => (tar ? [tar] : streamed(bytes));
    const { manifest, log } = await inspect(tarEvents(chunks()), options);
    return { manifest, log, contents: outputEvents(tarEvents(chunks()), manifest) };
  } catch (error) {
    throw translated(error);
  }
}

async function inspect(
  events: AsyncIterable<TarEvent>,
  options: OpenOptions,
): Promise<{ manifest: ArtifactManifest; log: Buffer }> {
  let manifest: ArtifactManifest | undefined;
  let log: Buffer | undefined;
  let gathered: Buffer[] = [];
  let current: TarEntry | undefined;
  let index = 0;

  const finish = (): void => {
    if (current === undefined) return;
    if (manifest === undefined) {
      manifest = parseManifest(Buffer.concat(gathered).toString('utf8'));
      assertFits(manifest, options);
    } else log ??= Buffer.concat(gathered);
    gathered = [];
  };
  for await (const event of events) {
    if (event.type === 'data') {
      if (index <= 2) gathered.push(event.chunk);
      continue;
    }
    if (index <= 2) finish();
    current = event.entry;
    assertExpected(current, index, manifest);
    index++;
  }
  if (index <= 2) finish();
  if (manifest === undefined || log === undefined) throw damaged('it has no manifest or no log');
  if (log.length !== manifest.log.sizeBytes) throw damaged('its log is not as long as its manifest says');
  if (index !== manifest.outputs.length + 2) throw damaged('it holds fewer files than its manifest lists');
  return { manifest, log };
}

/** Each entry must be the one that the fixed order and the manifest foretell. */
function assertExpected(entry: TarEntry, index: number, manifest: ArtifactManifest | undefined): void {
  const limit = index === 0 ? MAX_MANIFEST_BYTES : MAX_LOG_BYTES;
  if (index < 2) {
    const expected = index === 0 ? MANIFEST_PATH : LOG_PATH;
    if (entry.path !== expected || entry.kind !== 'file')
      throw damaged(`"${entry.path}" stands where ${expected} must`);
    if (entry.sizeBytes > limit) throw damaged(`its ${expected} is beyond all bounds`);
    return;
  }
  const record = manifest?.outputs[index - 2];
  if (record === undefined || !isSame(entry, record))
    throw damaged(`"${entry.path}" is not what its manifest lists`);
}

function isSame(entry: TarEntry, record: OutputRecord): boolean {
  if (entry.path !== OUTPUTS_PREFIX + record.path || entry.kind !== record.kind) return false;
  switch (record.kind) {
    case 'file':
      return entry.sizeBytes === record.sizeBytes && entry.mode === record.mode;
    case 'link':
      return entry.target === record.target;
    case 'directory':
      return entry.mode === record.mode;
  }
}

function assertFits(
  manifest: ArtifactManifest,
  { key, outputs, folder, workspaceRoot, maxBytes }: OpenOptions,
): void {
  if (manifest.key !== key) throw damaged(`it is the artifact of another key (${manifest.task})`);
  let totalBytes = 0;
  for (const record of manifest.outputs) {
    if (!outputs.matches(record.path)) {
      throw new VelocityError(
        'ARTIFACT_REFUSED',
        `The artifact was refused: "${record.path}" is no output of this task.`,
      );
    }
    if (record.kind === 'file') totalBytes += record.sizeBytes;
  }
  if (totalBytes > maxBytes) {
    throw new VelocityError(
      'ARTIFACT_REFUSED',
      `The artifact was refused: it unpacks to ${totalBytes} bytes, the limit is ${maxBytes}.`,
    );
  }
  assertRestorable(manifest.outputs, folder, workspaceRoot);
}

async function* outputEvents(
  events: AsyncIterable<TarEvent>,
  manifest: ArtifactManifest,
): AsyncIterable<OutputEvent> {
  let index = 0;
  try {
    for await (const event of events) {
      if (event.type === 'entry') {
        const output = manifest.outputs[index - 2];
        if (output) yield { type: 'output', output };
        index++;
      } else if (index > 2) yield event;
    }
  } catch (error) {
    throw translated(error);
  }
}

/** Ends with the archive's last block, whatever follows: a bomb behind it is never unpacked. */
async function* tarEvents(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncIterable<TarEvent> {
  const parser = new TarParser();
  for await (const chunk of chunks) {
    yield* parser.push(chunk);
    if (parser.isDone) break;
  }
  parser.end();
}

/** `undefined` where it is too large for that. */
async function unpackedInMemory(bytes: ArtifactBytes): Promise<Buffer | undefined> {
  if (bytes.sizeBytes > IN_MEMORY_PACKED_BYTES) return undefined;
  const body = bytes.read();
  const packed = body instanceof Readable ? Buffer.concat(await body.toArray()) : body;
  try {
    return await decompress(packed, { chunkSize: CHUNK_BYTES, maxOutputLength: IN_MEMORY_BYTES });
  } catch (error) {
    if (systemCode(error) === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}

function streamed(bytes: ArtifactBytes): AsyncIterable<Buffer> {
  const body = bytes.read();
  const source = body instanceof Readable ? body : Readable.from([body], { objectMode: false });
  const unpacked = createZstdDecompress({ chunkSize: CHUNK_BYTES });
  source.once('error', (error) => unpacked.destroy(error));
  unpacked.once('close', () => source.destroy());
  return source.pipe(unpacked);
}

/** zlib's complaints are about the artifact. */
function translated(error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined || error instanceof VelocityError) return error;
  if (!/^(ZSTD_|Z_|ERR_)/.test(code)) return error;
  return new VelocityError('ARTIFACT_DAMAGED', `The artifact is damaged: ${messageOf(error)}.`, {
    cause: error,
  });
}
