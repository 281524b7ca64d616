import { type CacheKey, parseCacheKey } from '../../base/cache-key.ts';
import { type Digest, parseDigest } from '../../base/digest.ts';
import { damaged } from './tar/tar-header.ts';

/** One thing a task made, by its path from the package's folder. */
export type OutputRecord =
  | {
      readonly path: string;
      readonly kind: 'file';
      readonly mode: number;
      readonly sizeBytes: number;
      readonly digest: Digest;
    }
  | { readonly path: string; readonly kind: 'link'; readonly target: string }
  /** Only folders that hold nothing; the others follow from what is in them. */
  | { readonly path: string; readonly kind: 'directory'; readonly mode: number };

/** What the inputs were, for whoever asks later why a key differs. Values of variables are veiled. */
export interface RecordedInputs {
  readonly command: readonly string[];
  readonly files: readonly (readonly [path: string, mode: string, digest: string])[];
  readonly global: string;
  readonly env: readonly (readonly [string, string | null])[];
  readonly envKeys: readonly (readonly [string, string | null])[];
  readonly dependencies: readonly (readonly [string, string])[];
  readonly sources: readonly (readonly [string, string])[];
  readonly locked: string | null;
  readonly tools: Readonly<Record<string, string>>;
}

/** The first entry of every artifact. */
export interface ArtifactManifest {
  readonly format: 'velocity-artifact-v1';
  /** `package#task`. */
  readonly task: string;
  readonly key: CacheKey;
  readonly inputs: RecordedInputs;
  readonly durationMs: number;
  /** Only what ended well is kept. */
  readonly exitCode: 0;
  readonly writer: { readonly velocity: string; readonly host: string };
  readonly log: { readonly sizeBytes: number; readonly truncated: boolean };
  readonly outputs: readonly OutputRecord[];
}

export const MANIFEST_FORMAT = 'velocity-artifact-v1';

/**
 * The parts that a restore relies on are checked one by one; the rest is for reading.
 * @throws VelocityError `ARTIFACT_DAMAGED`
 */
export function parseManifest(text: string): ArtifactManifest {
  const raw = parseJson(text);
  const { format, key, task, durationMs, exitCode, outputs, log } = raw;
  if (format !== MANIFEST_FORMAT)
    throw damaged(`its format is ${JSON.stringify(format)}, not "${MANIFEST_FORMAT}"`);
  const parsedKey = typeof key === 'string' ? parseCacheKey(key) : undefined;
  const isWhole =
    parsedKey !== undefined &&
    typeof task === 'string' &&
    typeof durationMs === 'number' &&
    exitCode === 0 &&
    Array.isArray(outputs) &&
    typeof log === 'object' &&
    log !== null &&
    'sizeBytes' in log &&
    isCount(log.sizeBytes);
  if (!isWhole || !outputs.every(isOutputRecord)) throw damaged('its manifest lacks something');
  return raw as unknown as ArtifactManifest;
}

function isOutputRecord(raw: unknown): raw is OutputRecord {
  if (typeof raw !== 'object' || raw === null) return false;
  const { path, kind, mode, sizeBytes, digest, target } = raw as Record<string, unknown>;
  if (typeof path !== 'string') return false;
  switch (kind) {
    case 'file':
      return (
        isCount(mode) && isCount(sizeBytes) && typeof digest === 'string' && parseDigest(digest) !== undefined
      );
    case 'link':
      return typeof target === 'string';
    case 'directory':
      return isCount(mode);
    default:
      return false;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function parseJson(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch {
    // told below: what is not JSON and what is JSON of something else are the same to the reader
  }
  throw damaged('its manifest is not JSON');
}
