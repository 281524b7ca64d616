/** A place in a configuration file; line and column count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How many characters the caret underlines. */
  readonly length: number;
}

/** One thing wrong with a configuration. They are gathered and reported all at once, so they are values. */
export interface Mistake {
  /** What was found and what was expected, as one sentence without its place. */
  readonly message: string;
  /** Where, for a file. */
  readonly position?: Position;
  /** Where, for what is not a file: `VC_PORT`, `--port`. */
  readonly source?: string;
  /** What to do, where the message does not say it already. */
  readonly hint?: string;
}

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** `velocity.yml:12:5: unknown key …`: the mistake on one line. */
export function describeMistake(mistake: Mistake): string {
  const { position, source } = mistake;
  const place = position
    ? `${position.file}:${position.line}:${position.column}: `
    : source
      ? `${source}: `
      : '';
  return place + mistake.message + (mistake.hint ? ` ${mistake.hint}` : '');
}
