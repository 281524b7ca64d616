import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, createZstdCompress, zstdCompress } from 'node:zlib';
import { formatByteSize } from '../../base/byte-size.ts';
import { digestOf } from '../../base/digest.ts';
import { systemCode, VelocityError } from '../../base/errors.ts';
import { digestFile } from '../hasher/file-digests.ts';
import type { ArtifactManifest, OutputRecord } from './manifest.ts';
import type { FoundOutput } from './outputs.ts';
import { linkPlaces, linkRefusal, nameRefusal } from './safe-paths.ts';
import { paddingAfter } from './tar/tar-entry.ts';
import { END_OF_ARCHIVE, encodeHeader } from './tar/tar-header.ts';

/** Paths inside the archive: `tar -x` gives a readable folder. */
export const MANIFEST_PATH = 'manifest.json';
export const LOG_PATH = 'log';
export const OUTPUTS_PREFIX = 'outputs/';

/** Outputs up to this size are packed in memory with one call; larger ones stream. */
const IN_MEMORY_BYTES = 32 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** Level 1 is the fastest that still packs well; the checksum finds damage while unpacking. */
const ZSTD = {
  chunkSize: CHUNK_BYTES, // the default of 16 KiB costs a fifth to two fifths of the speed
  params: {
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_checksumFlag]: 1,
  },
};

const compress = promisify(zstdCompress);

/** What is known of a run besides its outputs. */
export type RunFacts = Omit<ArtifactManifest, 'outputs' | 'log' | 'format' | 'exitCode'>;

export interface PackOptions {
  readonly facts: RunFacts;
  readonly log: { readonly bytes: Buffer; readonly truncated: boolean };
  readonly found: readonly FoundOutput[];
  /** The package's folder, absolute. */
  readonly folder: string;
  readonly workspaceRoot: string;
  /** Outputs of more bytes are refused. */
  readonly maxBytes: number;
}

export interface PackedArtifact {
  readonly manifest: ArtifactManifest;
  /** The zstd-compressed tar. A stream may be read once. */
  readonly body: Buffer | Readable;
}

/**
 * Packs a task's outputs.
 * @throws VelocityError `OUTPUT_UNCACHEABLE` for an output that an artifact must not hold, too many
 *   bytes, or a file that changed while it was packed.
 */
export async function packArtifact(options: PackOptions): Promise<PackedArtifact> {
  const { facts, log, found, maxBytes } = options;
  const totalBytes = found.reduce((sum, { kind, stats }) => sum + (kind === 'file' ? stats.size : 0), 0);
  if (totalBytes > maxBytes) {
    const [size, limit] = [formatByteSize(totalBytes), formatByteSize(maxBytes)];
    throw uncacheable(`the outputs have ${size}, the limit is ${limit} (cache.max_artifact_size)`);
  }
  assertKeepable(options);

  const bodies = new Map<string, Buffer>();
  const inMemory = totalBytes <= IN_MEMORY_BYTES;
  const outputs = found.map((output) => recordOf(output, options.folder, inMemory ? bodies : undefined));
  const manifest: ArtifactManifest = {
    format: 'velocity-artifact-v1',
    ...facts,
    exitCode: 0,
    log: { sizeBytes: log.bytes.length, truncated: log.truncated },
    outputs,
  };
  const chunks = archive(manifest, log.bytes, options.folder, bodies);
  if (inMemory) return { manifest, body: await compress(Buffer.concat([...chunks]), ZSTD) };
  const compressor = createZstdCompress(ZSTD);
  const source = Readable.from(chunks, { objectMode: false });
  source.once('error', (error) => compressor.destroy(error));
  return { manifest, body: source.pipe(compressor) };
}

/** What would be refused at the restore is not packed in the first place. */
function assertKeepable({ found, folder, workspaceRoot }: PackOptions): void {
  const links = linkPlaces(
    found.filter((output) => output.kind === 'link'),
    folder,
  );
  for (const output of found) {
    const refusal =
      output.kind === 'other'
        ? 'is a pipe, socket or device'
        : (nameRefusal(output.path) ??
          (output.kind === 'link'
            ? linkRefusal(output.path, output.target, links, folder, workspaceRoot)
            : undefined));
    if (refusal !== undefined) throw uncacheable(`"${output.path}" ${refusal}`);
  }
}

/** @param bodies takes the files' bytes in, where they are to be kept for packing */
function recordOf(
  output: FoundOutput,
  folder: string,
  bodies: Map<string, Buffer> | undefined,
): OutputRecord {
  const { path, kind, stats } = output;
  const mode = stats.mode & 0o777;
  switch (kind) {
    case 'link':
      return { path, kind, target: output.target };
    case 'directory':
      return { path, kind, mode };
    case 'file': {
      const absolute = join(folder, path);
      if (bodies === undefined) {
        const digest = digestFile(absolute, stats.size);
        if (digest === undefined) throw changed(path);
        return { path, kind, mode, sizeBytes: stats.size, digest };
      }
      const bytes = unlessGone(path, () => readFileSync(absolute));
      bodies.set(path, bytes);
      return { path, kind, mode, sizeBytes: bytes.length, digest: digestOf(bytes) };
    }
    case 'other':
      throw new Error('unreachable: refused before');
  }
}

function* archive(
  manifest: ArtifactManifest,
  log: Buffer,
  folder: string,
  bodies: ReadonlyMap<string, Buffer>,
): Generator<Buffer, void, undefined> {
  yield* file(MANIFEST_PATH, 0o644, Buffer.from(JSON.stringify(manifest)));
  yield* file(LOG_PATH, 0o644, log);
  for (const output of manifest.outputs) {
    const path = OUTPUTS_PREFIX + output.path;
    switch (output.kind) {
      case 'link':
        yield encodeHeader({ path, kind: 'link', mode: 0o777, sizeBytes: 0, target: output.target });
        break;
      case 'directory':
        yield encodeHeader({ path, kind: 'directory', mode: output.mode, sizeBytes: 0, target: '' });
        break;
      case 'file': {
        const bytes = bodies.get(output.path);
        if (bytes) yield* file(path, output.mode, bytes);
        else yield* streamedFile(path, output, join(folder, output.path));
        break;
      }
    }
  }
  yield END_OF_ARCHIVE;
}

function* file(path: string, mode: number, bytes: Buffer): Generator<Buffer, void, undefined> {
  yield encodeHeader({ path, kind: 'file', mode, sizeBytes: bytes.length, target: '' });
  if (bytes.length > 0) yield bytes;
  const padding = paddingAfter(bytes.length);
  if (padding > 0) yield Buffer.alloc(padding);
}

function* streamedFile(
  path: string,
  { mode, sizeBytes }: OutputRecord & { kind: 'file' },
  absolute: string,
): Generator<Buffer, void, undefined> {
  yield encodeHeader({ path, kind: 'file', mode, sizeBytes, target: '' });
  const descriptor = unlessGone(path, () => openSync(absolute, 'r'));
  try {
    for (let left = sizeBytes; left > 0; ) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, left));
      const read = readSync(descriptor, buffer);
      if (read === 0) throw changed(path);
      left -= read;
      yield buffer.subarray(0, read);
    }
    if (readSync(descriptor, Buffer.alloc(1)) > 0) throw changed(path);
  } finally {
    closeSync(descriptor);
  }
  const padding = paddingAfter(sizeBytes);
  if (padding > 0) yield Buffer.alloc(padding);
}

function unlessGone<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw systemCode(error) === 'ENOENT' ? changed(path) : error;
  }
}

function changed(path: string): VelocityError {
  return uncacheable(`"${path}" changed while it was packed`);
}

function uncacheable(why: string): VelocityError {
  return new VelocityError('OUTPUT_UNCACHEABLE', `The result was not cached: ${why}.`);
}
