import { describeMistake, type Mistake } from './mistake.ts';

/**
 * The mistake with the lines around it and a caret:
 *
 *     velocity.yml:3:5: unknown key "dependsOnn" (did you mean "depends_on"?)
 *       2 |   build:
 *     > 3 |     dependsOnn: ["^build"]
 *         |     ^^^^^^^^^^
 *       4 |     outputs: ["dist/**"]
 */
export function codeFrame(mistake: Mistake, text: string | undefined): string {
  const { position } = mistake;
  if (!position || text === undefined) return describeMistake(mistake);

  const lines = text.split(/\r?\n/);
  const first = Math.max(1, position.line - 1);
  const last = Math.min(lines.length, position.line + 1);
  const width = String(last).length;
  const frame = [describeMistake(mistake)];
  for (let number = first; number <= last; number++) {
    const line = lines[number - 1] ?? '';
    const atFault = number === position.line;
    frame.push(`${atFault ? '>' : ' '} ${String(number).padStart(width)} | ${line}`.trimEnd());
    if (atFault) {
      const caret = '^'.repeat(Math.max(1, Math.min(position.length, line.length - position.column + 1)));
      frame.push(`  ${' '.repeat(width)} | ${' '.repeat(position.column - 1)}${caret}`);
    }
  }
  return frame.join('\n');
}
