import { parseDuration } from '../../../base/duration.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { TextField } from './ban-condition.ts';

const FIELDS = 'req.url, req.host, obj.status, obj.age and obj.http.NAME';

/** Takes one part after the other from the text, and says what is wrong with the one that is next. */
export class BanReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    this.#take(/\s*/y);
    return this.#at === this.#text.length;
  }

  conjunction(): void {
    if (this.#next(/&&/y) !== undefined) return;
    const found = this.#found();
    const advice = found.startsWith('"|') ? ': make each alternative a ban of its own' : '';
    throw this.refused(`expected && and a further condition, found ${found}${advice}`);
  }

  field(): TextField | 'obj.status' | 'obj.age' {
    const written = this.#next(/[a-z][\w.-]*/iy);
    if (written === undefined)
      throw this.refused(`expected a field, found ${this.#found()}: ${FIELDS} are known`);
    const name = written.toLowerCase();
    switch (name) {
      case 'req.url':
      case 'req.host':
      case 'obj.status':
      case 'obj.age':
        return name;
    }
    if (/^obj\.http\.[\w-]+$/.test(name)) return name as TextField;
    this.#at -= written.length;
    throw this.refused(`there is no field "${written}": ${FIELDS} are known`);
  }

  operator<O extends string>(field: string, allowed: readonly O[]): O {
    const written = this.#next(/[=!<>~&|]+/y);
    const operator = allowed.find((each) => each === written);
    if (operator !== undefined) return operator;
    this.#at -= written?.length ?? 0;
    const found = written === undefined ? this.#found() : `"${written}"`;
    throw this.refused(`expected ${listed(allowed)} after ${field}, found ${found}`);
  }

  status(): number {
    const digits = this.#next(/[1-9]\d\d(?![\w.])/y);
    if (digits === undefined)
      throw this.refused(`expected a status of three digits such as 404, found ${this.#found()}`);
    return Number(digits);
  }

  age(): number {
    const written = this.#next(/\d[\w.]*/y);
    const ms =
      written === undefined ? undefined : parseDuration(/^\d+$/.test(written) ? `${written}s` : written);
    if (ms !== undefined) return ms;
    this.#at -= written?.length ?? 0;
    const found = written === undefined ? this.#found() : `"${written}"`;
    throw this.refused(`expected seconds or a time such as 1h30m, found ${found}`);
  }

  /** As a text to be equal to and as a pattern. */
  quoted(): { readonly text: string; readonly glob: string } {
    if (this.#next(/"/y) === undefined)
      throw this.refused(`expected a text in double quotes, found ${this.#found()}`);
    const opened = this.#at;
    let [text, glob] = ['', ''];
    for (;;) {
      const plain = this.#take(/[^"\\]+/y) ?? '';
      const foreign = plain.search(/[^ -~]/);
      if (foreign >= 0) {
        this.#at += foreign - plain.length;
        throw this.refused(
          'only printable ASCII can be compared: write %-escapes where the URL has them, or ? for each byte',
        );
      }
      text += plain;
      glob += plain;
      if (this.#take(/"/y) !== undefined) return { text, glob };
      const escaped = this.#take(/\\["\\*?]/y);
      if (escaped === undefined) {
        if (this.#at < this.#text.length)
          throw this.refused('a backslash stands before ", \\, * or ? alone: write \\\\ for a backslash');
        this.#at = opened - 1;
        throw this.refused('the text that begins here has no closing quote');
      }
      text += escaped.slice(1);
      glob += escaped === '\\"' ? '"' : escaped;
    }
  }

  refused(message: string): VelocityError {
    return refusedBan(this.#at + 1, message);
  }

  /** Behind white space. */
  #next(pattern: RegExp): string | undefined {
    this.#take(/\s*/y);
    return this.#take(pattern);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#text)?.[0];
    this.#at += taken?.length ?? 0;
    return taken;
  }

  /** A word or a sign of what is next, for a message. */
  #found(): string {
    const rest = this.#text.slice(this.#at);
    return rest === ''
      ? 'the end'
      : JSON.stringify(/^(?:[\w.-]{1,40}|[^\w\s]{1,2}|.)/su.exec(rest)?.[0] ?? '');
  }
}

function listed(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** @param column counted from 1 */
export function refusedBan(column: number, message: string): VelocityError {
  return new VelocityError('BAD_REQUEST', `Column ${column} of the ban: ${message}.`, {
    field: 'expression',
  });
}
