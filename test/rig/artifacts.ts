import { zstdCompressSync } from 'node:zlib';
import { parseCacheKey } from '../../src/base/cache-key.ts';
import { digestOf } from '../../src/base/digest.ts';
import type { ArtifactManifest, OutputRecord } from '../../src/runner/archiver/manifest.ts';
import { TaskOutputs } from '../../src/runner/archiver/outputs.ts';
import { packArtifact, type RunFacts } from '../../src/runner/archiver/pack.ts';
import { type RestoreOptions, restoreOutputs } from '../../src/runner/archiver/restore.ts';
import { paddingAfter, type TarEntry } from '../../src/runner/archiver/tar/tar-entry.ts';
import { END_OF_ARCHIVE, encodeHeader } from '../../src/runner/archiver/tar/tar-header.ts';
import { type OpenedArtifact, openArtifact } from '../../src/runner/archiver/unpack.ts';
import type { TempWorkspace } from './temp-workspace.ts';

const key = parseCacheKey('ab'.repeat(32));
if (!key) throw new Error('unreachable: it is a key');
export const KEY = key;

export const FACTS: RunFacts = {
  task: 'web#build',
  key: KEY,
  inputs: {
    command: ['make'],
    files: [],
    global: '',
    env: [],
    envKeys: [],
    dependencies: [],
    sources: [],
    locked: null,
    tools: {},
  },
  durationMs: 1234,
  writer: { velocity: '0.0.0', host: 'test' },
};

export const GIBIBYTE = 2 ** 30;

/** A package of a workspace whose task makes something. */
export interface Place {
  readonly folder: string;
  readonly workspaceRoot: string;
  readonly outputs: TaskOutputs;
}

export interface PlaceOptions {
  readonly patterns?: readonly string[];
  /** What git tracks, from the root. */
  readonly tracked?: readonly string[];
  readonly directory?: string;
}

/** The package `packages/web`, with outputs in `dist`, where nothing else is said. */
export function placeIn({ root }: Pick<TempWorkspace, 'root'>, options: PlaceOptions = {}): Place {
  const { patterns = ['dist/**'], tracked = [], directory = 'packages/web' } = options;
  const folder = directory === '' ? root : `${root}/${directory}`;
  const isTracked = (path: string): boolean => tracked.includes(path);
  const outputs = new TaskOutputs({ folder, workspaceRoot: root, patterns, isTracked });
  return { folder, workspaceRoot: root, outputs };
}

/** The artifact of what is there. */
export async function packedFrom(place: Place, { log = '', maxBytes = GIBIBYTE } = {}): Promise<Buffer> {
  const { body } = await packArtifact({
    ...place,
    facts: FACTS,
    log: { bytes: Buffer.from(log), truncated: false },
    found: place.outputs.find(),
    maxBytes,
  });
  return Buffer.isBuffer(body) ? body : Buffer.concat(await body.toArray());
}

export function open(bytes: Uint8Array, place: Place, maxBytes = GIBIBYTE): Promise<OpenedArtifact> {
  return openArtifact({ sizeBytes: bytes.length, read: () => bytes }, { ...place, key: KEY, maxBytes });
}

export async function restoreInto(
  bytes: Uint8Array,
  place: Place & Pick<RestoreOptions, 'isOthers'>,
): Promise<void> {
  const { manifest, contents } = await open(bytes, place);
  await restoreOutputs(manifest.outputs, contents, place);
}

/** A member of a forged archive, and what the manifest says of it. */
export interface Forged {
  readonly record?: OutputRecord;
  readonly entry: TarEntry;
  readonly body?: string;
}

/** One that the manifest tells of. */
export interface ForgedOutput extends Forged {
  readonly record: OutputRecord;
}

export function forgedFile(path: string, body = 'forged', mode = 0o644): ForgedOutput {
  const sizeBytes = Buffer.byteLength(body);
  return {
    record: { path, kind: 'file', mode, sizeBytes, digest: digestOf(body) },
    entry: { path: `outputs/${path}`, kind: 'file', mode, sizeBytes, target: '' },
    body,
  };
}

export function forgedLink(path: string, target: string): ForgedOutput {
  return {
    record: { path, kind: 'link', target },
    entry: { path: `outputs/${path}`, kind: 'link', mode: 0o777, sizeBytes: 0, target },
  };
}

export function forgedFolder(path: string, mode = 0o755): ForgedOutput {
  return {
    record: { path, kind: 'directory', mode },
    entry: { path: `outputs/${path}`, kind: 'directory', mode, sizeBytes: 0, target: '' },
  };
}

export interface ForgeOptions {
  readonly manifest?: Partial<Record<keyof ArtifactManifest, unknown>>;
  readonly log?: string;
  /** Changes the archive's bytes before they are compressed. */
  readonly change?: (archive: Buffer) => Buffer;
}

export function manifestOf(members: readonly Forged[], { manifest, log = '' }: ForgeOptions = {}): string {
  return JSON.stringify({
    format: 'velocity-artifact-v1',
    ...FACTS,
    exitCode: 0,
    log: { sizeBytes: Buffer.byteLength(log), truncated: false },
    outputs: members.flatMap(({ record }) => record ?? []),
    ...manifest,
  });
}

/** An artifact that somebody made who means harm, or has a bug: every part of it can be a lie. */
export function forge(members: readonly Forged[], options: ForgeOptions = {}): Buffer {
  const { log = '', change = (archive) => archive } = options;
  const archive = Buffer.concat([
    member({ path: 'manifest.json', body: manifestOf(members, options) }),
    member({ path: 'log', body: log }),
    ...members.map(({ entry, body = '' }) => member({ ...entry, body })),
    END_OF_ARCHIVE,
  ]);
  return zstdCompressSync(change(archive));
}

/** The blocks of one member. */
export function member({ path, body, ...rest }: Partial<TarEntry> & { path: string; body: string }): Buffer {
  const bytes = Buffer.from(body);
  const header = encodeHeader({
    path,
    kind: 'file',
    mode: 0o644,
    sizeBytes: bytes.length,
    target: '',
    ...rest,
  });
  return Buffer.concat([header, bytes, Buffer.alloc(paddingAfter(bytes.length))]);
}

/** Gives the last header that begins with this name another type and a right checksum. */
export function retype(archive: Buffer, name: string, type: string): Buffer {
  const start = archive.lastIndexOf(Buffer.from(name));
  const block = archive.subarray(start, start + 512);
  block.write(type, 156, 'latin1');
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return archive;
}
