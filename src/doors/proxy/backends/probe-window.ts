/** The verdicts of a server's latest probes. It is well while enough of them are good. */
export class ProbeWindow {
  readonly #size: number;
  readonly #threshold: number;
  #verdicts: readonly boolean[];

  /** Begins as just well enough: the first probe that fails makes it sick. */
  constructor(size: number, threshold: number) {
    this.#size = size;
    this.#threshold = threshold;
    this.#verdicts = Array.from({ length: size }, (_, at) => at < threshold);
  }

  add(isGood: boolean): void {
    this.#verdicts = [...this.#verdicts, isGood].slice(-this.#size);
  }

  get isWell(): boolean {
    return this.#verdicts.filter(Boolean).length >= this.#threshold;
  }
}
