import type { Digest } from '../../base/digest.ts';
import { inParallel } from '../../base/in-parallel.ts';
import type { BlobFacts, BlobFiles } from './blob-files.ts';
import { BytesByTime } from './bytes-by-time.ts';

/** Looks at so many files at once. */
const WIDTH = 8;

/** What nobody wants may be just about to be wanted: it is kept before it is written down what for. */
const UNWANTED_FOR_MS = 3600_000;

/** What history may hold beside the files as they are; `undefined` sets no limit. */
export interface BlobLimits {
  /** Since a blob was last a file's, too, in milliseconds. */
  readonly maxAgeMs?: number | undefined;
  readonly maxBytes?: number | undefined;
}

export interface BlobSweep extends BlobLimits {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether any revision has these bytes; what none has goes whatever the limits say. */
  readonly isWanted?: ((digest: Digest) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BlobSweepSummary {
  readonly removed: number;
  readonly removedBytes: number;
  /** Beyond the limits and there still: in use, or the disk refused. */
  readonly left: number;
  readonly kept: number;
  /** Of the blobs that were kept, those included that take no room of their own. */
  readonly keptBytes: number;
  /** Of those that only history has. */
  readonly historyBytes: number;
}

interface Seen {
  readonly digest: Digest;
  readonly facts: BlobFacts;
}

interface SweepSurroundings {
  readonly files: BlobFiles;
  /** @returns whether it is gone */
  readonly remove: (seen: Seen) => Promise<boolean>;
  readonly onReadFailed: (error: unknown) => void;
}

/**
 * Removes what is beyond the limits: what is too old or wanted by nobody, then the oldest until the rest fits. A blob that
 * is a file's, too, takes no room and is left alone; its age begins when the file becomes another. Goes through all blobs,
 * and once more where they are too many bytes, in memory that does not grow with them.
 */
export async function sweepBlobs(
  options: BlobSweep,
  surroundings: SweepSurroundings,
): Promise<BlobSweepSummary> {
  const { maxAgeMs = Number.POSITIVE_INFINITY, maxBytes, now, isWanted = () => true } = options;
  const { signal } = options;
  const [ages, sum] = [new BytesByTime(), { removed: 0, removedBytes: 0, left: 0, kept: 0, keptBytes: 0 }];

  const remove = async (seen: Seen): Promise<boolean> => {
    const isGone = await surroundings.remove(seen);
    if (!isGone) sum.left++;
    else {
      sum.removed++;
      sum.removedBytes += seen.facts.sizeBytes;
    }
    return isGone;
  };

  await forEach(surroundings, signal, async (seen) => {
    const { digest, facts } = seen;
    if (facts.links === 1) {
      const ageMs = now - agedSince(facts);
      const isDue = ageMs > maxAgeMs || (ageMs > UNWANTED_FOR_MS && !isWanted(digest));
      if (isDue && (await remove(seen))) return;
      ages.add(agedSince(facts), facts.sizeBytes);
    }
    sum.kept++;
    sum.keptBytes += facts.sizeBytes;
  });

  const beyond = ages.beyond(maxBytes ?? Number.POSITIVE_INFINITY);
  let [historyBytes, toGo] = [ages.total, beyond.bytes];
  if (beyond.bytes > 0) {
    await forEach(surroundings, signal, async (seen) => {
      const { sizeBytes, links } = seen.facts;
      const since = agedSince(seen.facts);
      if (links > 1 || since >= beyond.until) return;
      if (since >= beyond.before) {
        if (toGo <= 0) return;
        toGo -= sizeBytes;
      }
      if (!(await remove(seen))) return;
      sum.kept--;
      sum.keptBytes -= sizeBytes;
      historyBytes -= sizeBytes;
    });
  }
  return { ...sum, historyBytes };
}

/** Names come and go with the files: of a blob that has one left, this is when it lost the last but one. */
function agedSince({ touchedNs }: BlobFacts): number {
  return Number(touchedNs / 1_000_000n);
}

async function forEach(
  { files, onReadFailed }: SweepSurroundings,
  signal: AbortSignal | undefined,
  work: (seen: Seen) => Promise<void>,
): Promise<void> {
  for await (const digests of files.list(onReadFailed)) {
    await inParallel(digests, WIDTH, async (digest) => {
      signal?.throwIfAborted();
      const facts = await files.factsOf(digest).catch(onReadFailed);
      if (facts?.isFile) await work({ digest, facts });
    });
  }
}
