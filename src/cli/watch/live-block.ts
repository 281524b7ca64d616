import type { Writable } from 'node:stream';

/** ECMA-48 §8.3: a line up that many times, then away with what stands from there on. */
const backOver = (lines: number): string => (lines === 0 ? '' : `\x1b[${lines}A\x1b[0J`);

type MaybeTerminal = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Some lines at the end of a terminal that are shown in the place of those before. What stands above them stays. */
export class LiveBlock {
  readonly #stdout: MaybeTerminal;
  #shown = 0;

  constructor(stdout: Writable) {
    this.#stdout = stdout;
  }

  /** Whether what is shown can be replaced. */
  get isLive(): boolean {
    return this.#stdout.isTTY === true;
  }

  show(lines: readonly string[]): void {
    const fitting = this.isLive ? this.#fit(lines) : lines;
    this.#stdout.write(backOver(this.#shown) + fitting.map((line) => `${line}\n`).join(''));
    if (this.isLive) this.#shown = fitting.length;
  }

  /** A line that breaks, or one that leaves at the top, could not be replaced. */
  #fit(lines: readonly string[]): readonly string[] {
    const { columns, rows } = this.#stdout; // 0 where the terminal does not know
    return lines
      .slice(0, Math.max(1, (rows || 24) - 1))
      .map((line) => [...line].slice(0, (columns || 80) - 1).join(''));
  }
}
