import type { StructuredPatchHunk } from 'diff';

const NO_LINE_END = '\\ No newline at end of file';

/**
 * What changed from one text to another, without looking for what is common between the first change and the last: all that lies
 * there is replaced. A diff like any other, and not the shortest.
 */
export function replacedMiddle(before: string, after: string, context: number): StructuredPatchHunk {
  const [old, now] = [linesOf(before), linesOf(after)];
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) start++;
  let end = 0;
  while (end < shorter - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const from = Math.max(0, start - context);
  const behind = Math.min(context, end);
  const [oldTo, nowTo] = [old.length - end, now.length - end];
  return {
    oldStart: from + 1,
    oldLines: oldTo + behind - from,
    newStart: from + 1,
    newLines: nowTo + behind - from,
    lines: [
      ...shown(' ', old.slice(from, start)),
      ...shown('-', old.slice(start, oldTo)),
      ...shown('+', now.slice(start, nowTo)),
      ...shown(' ', old.slice(oldTo, oldTo + behind)),
    ],
  };
}

/** With their ends. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function shown(mark: string, lines: readonly string[]): string[] {
  return lines.flatMap((line) =>
    line.endsWith('\n') ? [mark + line.slice(0, -1)] : [mark + line, NO_LINE_END],
  );
}
