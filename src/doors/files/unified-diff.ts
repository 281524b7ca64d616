import {
  FILE_HEADERS_ONLY,
  formatPatch,
  type StructuredPatch,
  type StructuredPatchHunk,
  structuredPatch,
} from 'diff';
import { formatByteSize } from '../../base/byte-size.ts';
import { VelocityError } from '../../base/errors.ts';
import type { FilePath } from '../../files/file-path.ts';
import { replacedMiddle } from './replaced-middle.ts';

/** One of two states of a file. */
export interface DiffSide {
  readonly bytes: Uint8Array;
  /** Stands behind the name in the head of the diff: `revision 3`. */
  readonly label: string;
}

/** A text that is larger is not compared; nothing of it needs to be read. */
export const MAX_DIFF_BYTES = 4 * 1024 * 1024;

/** What comparing takes grows with the lines even where they are short. */
const MAX_DIFF_LINES = 100_000;
const CONTEXT_LINES = 3;
/** About as far as git looks for a zero byte. */
const BINARY_CHECK_BYTES = 8 * 1024;
const LINE_FEED = 0x0a;

const INSTEAD = 'Read both states with "revision" or "at" and compare them where you are.';

/** How long the shortest diff is looked for. */
export interface DiffTimes {
  /** While nothing else has its turn. */
  readonly atOnceMs: number;
  /** After that, and others have theirs. */
  readonly inTurnsMs: number;
}
const TIMES: DiffTimes = { atOnceMs: 50, inTurnsMs: 2000 };

/**
 * What changed from one state of a file to another, as a unified diff; the empty text where nothing did. Where too much did for
 * the shortest diff to be found in time, all between the first change and the last is shown as replaced.
 * @throws VelocityError `BODY_TOO_LARGE`, `UNSUPPORTED_BODY` where one of them is not a text in UTF-8
 */
export async function unifiedDiff(
  path: FilePath,
  from: DiffSide,
  to: DiffSide,
  times: DiffTimes = TIMES,
): Promise<string> {
  const [before, after] = [textOf(from), textOf(to)];
  if (before === after) return '';
  const head = {
    oldFileName: `a/${path}`,
    oldHeader: from.label,
    newFileName: `b/${path}`,
    newHeader: to.label,
  };
  const hunks = shortestAtOnce(before, after, times.atOnceMs) ??
    (await shortestInTurns(before, after, times.inTurnsMs)) ?? [replacedMiddle(before, after, CONTEXT_LINES)];
  return formatPatch({ ...head, hunks }, FILE_HEADERS_ONLY);
}

type Hunks = StructuredPatchHunk[];

function shortestAtOnce(before: string, after: string, timeout: number): Hunks | undefined {
  const options = { context: CONTEXT_LINES, timeout };
  return structuredPatch('', '', before, after, undefined, undefined, options)?.hunks;
}

/** The library waits for a turn of its own after each step, so that many small ones take longer than at once. */
function shortestInTurns(before: string, after: string, timeout: number): Promise<Hunks | undefined> {
  return new Promise((resolve) => {
    const callback = (patch: StructuredPatch | undefined): void => resolve(patch?.hunks);
    const options = { context: CONTEXT_LINES, timeout, callback };
    structuredPatch('', '', before, after, undefined, undefined, options);
  });
}

/** @throws VelocityError `BODY_TOO_LARGE` */
export function refuseLargeDiff(sizeBytes: number, label: string): void {
  if (sizeBytes > MAX_DIFF_BYTES)
    throw new VelocityError(
      'BODY_TOO_LARGE',
      `${sentenceStart(label)} has ${formatByteSize(sizeBytes)}; up to ${formatByteSize(MAX_DIFF_BYTES)} are compared. ${INSTEAD}`,
    );
}

function textOf({ bytes, label }: DiffSide): string {
  refuseLargeDiff(bytes.length, label);
  if (bytes.subarray(0, BINARY_CHECK_BYTES).includes(0)) throw notText(label);
  if (hasTooManyLines(bytes))
    throw new VelocityError(
      'BODY_TOO_LARGE',
      `${sentenceStart(label)} has more than ${MAX_DIFF_LINES} lines. ${INSTEAD}`,
    );
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw notText(label, error);
  }
}

function hasTooManyLines(bytes: Uint8Array): boolean {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines++;
  return lines > MAX_DIFF_LINES;
}

function notText(label: string, cause?: unknown): VelocityError {
  return new VelocityError(
    'UNSUPPORTED_BODY',
    `${sentenceStart(label)} is not a text in UTF-8. "hash" tells whether it changed; "revision" and "at" read it.`,
    { cause },
  );
}

function sentenceStart(label: string): string {
  return label.charAt(0).toUpperCase() + label.slice(1);
}
