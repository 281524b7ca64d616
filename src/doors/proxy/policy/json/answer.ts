import { didYouMean } from '../../../../base/suggest.ts';
import { GuestFailure } from '../guest/guest-failure.ts';

/** An object of a guest's answer, read part by part. Whatever is not as it must be throws `GuestFailure`, with its name. */
export class Answer {
  readonly #name: string;
  readonly #parts: Readonly<Record<string, unknown>>;

  /** @param name for messages: of the hook, and of the part of its answer */
  constructor(name: string, value: unknown) {
    this.#name = name;
    if (!isObject(value)) throw failure(`${name} is to be an object, not ${spell(value)}`);
    this.#parts = value;
  }

  /** A misspelt part would be a decision that is not carried out. */
  mayHave(...known: readonly string[]): void {
    for (const key in this.#parts)
      if (!known.includes(key)) {
        const name = key.slice(0, 40);
        throw failure(`${this.#name} has no "${name}"${didYouMean(name, known)}`);
      }
  }

  choice<const T extends string>(key: string, choices: readonly T[], otherwise: T): T {
    const value = this.#at(key);
    if (value === undefined) return otherwise;
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) throw this.wrong(key, choices.map((choice) => `"${choice}"`).join(' or '));
    return chosen;
  }

  text(key: string, maxLength: number): string | undefined {
    const value = this.#at(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw this.wrong(key, 'a text');
    if (value.length > maxLength) throw this.wrong(key, `a text of up to ${maxLength} characters`);
    return value;
  }

  flag(key: string): boolean | undefined {
    const value = this.#at(key);
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.wrong(key, 'true or false');
  }

  number(key: string, min: number, max: number): number | undefined {
    const value = this.#at(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw this.wrong(key, `a number between ${min} and ${max}`);
  }

  wholeNumber(key: string, min: number, max: number): number | undefined {
    const value = this.number(key, min, max);
    if (value === undefined || Number.isInteger(value)) return value;
    throw this.wrong(key, `a whole number between ${min} and ${max}`);
  }

  list(key: string): readonly unknown[] | undefined {
    const value = this.#at(key);
    if (value === undefined || Array.isArray(value)) return value;
    throw this.wrong(key, 'a list');
  }

  entries(key: string): readonly (readonly [string, unknown])[] {
    const value = this.#at(key);
    if (value === undefined) return [];
    if (!isObject(value)) throw this.wrong(key, 'an object');
    return Object.entries(value);
  }

  part(key: string): Answer | undefined {
    const value = this.#at(key);
    return value === undefined ? undefined : new Answer(`${this.#name}.${key}`, value);
  }

  wrong(key: string, expected: string): GuestFailure {
    return failure(`${this.#name}.${key} is to be ${expected}, not ${spell(this.#at(key))}`);
  }

  /** `null` says the same as leaving it out: some languages write nothing else. */
  #at(key: string): unknown {
    return Object.hasOwn(this.#parts, key) ? (this.#parts[key] ?? undefined) : undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function failure(message: string): GuestFailure {
  return new GuestFailure('answer', message);
}

/** Without what an object or list holds: it may be nested deeper than anything can be written. */
function spell(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
