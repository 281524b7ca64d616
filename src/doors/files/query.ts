import { VelocityError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';

/** Of a presigned URL; whoever lets requests in has looked at it. */
const SIGNATURE = 'sig';

/** The parameters of an address: those that are known, each once, by the name that is meant. */
export class Query {
  readonly #values: ReadonlyMap<string, string>;

  private constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  /**
   * @param text what stands after the `?`, not decoded; as forms write it, so that `+` is a blank
   * @param flags names that say something by being there; `name=false` is as good as not there
   * @param others names of parameters that have a value
   * @param synonyms other spellings, each with the name it means
   * @throws VelocityError `BAD_REQUEST` for what is unknown, given twice, or not percent-encoded UTF-8
   */
  static parse(
    text: string,
    flags: readonly string[],
    others: readonly string[],
    synonyms: ReadonlyMap<string, string> = new Map(),
  ): Query {
    const known = new Set([...flags, ...others]);
    const values = new Map<string, string>();
    for (const piece of text.split('&')) {
      if (piece === '') continue;
      const equals = piece.indexOf('=');
      const written = decoded(equals < 0 ? piece : piece.slice(0, equals));
      if (written === SIGNATURE) continue;
      const name = synonyms.get(written) ?? written;
      if (!known.has(name))
        throw refused(
          written,
          `There is no parameter "${written}" here${didYouMean(written, [...known, ...synonyms.keys()])}.`,
        );
      if (values.has(name))
        throw refused(
          name,
          `The parameter "${name}"${name === written ? '' : `, or "${written}",`} is given twice.`,
        );
      values.set(name, equals < 0 ? '' : decoded(piece.slice(equals + 1)));
    }
    for (const flag of flags) if (!isSet(flag, values.get(flag))) values.delete(flag);
    return new Query(values);
  }

  /** A flag that is set, or a parameter that is given. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  names(): readonly string[] {
    return [...this.#values.keys()];
  }

  /**
   * A whole number that is written in digits alone; `undefined`: it is not given.
   * @throws VelocityError `BAD_REQUEST`
   */
  integer(name: string, least: number, most = Number.MAX_SAFE_INTEGER): number | undefined {
    const text = this.#values.get(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
    throw refused(name, `The parameter "${name}" is a whole number ${range}.`);
  }
}

/** @throws VelocityError `BAD_REQUEST` for an address with any parameter but a signature */
export function refuseParameters(text: string): void {
  Query.parse(text, [], []);
}

export function refused(field: string, message: string): VelocityError {
  return new VelocityError('BAD_REQUEST', message, { field });
}

/** @throws VelocityError `BAD_REQUEST` for two that cannot be meant at once */
export function refusedTogether(one: string, other: string): VelocityError {
  return refused(other, `"${one}" and "${other}" exclude each other.`);
}

function isSet(name: string, value: string | undefined): boolean {
  switch (value?.toLowerCase()) {
    case '':
    case '1':
    case 'true':
      return true;
    case undefined:
    case '0':
    case 'false':
      return false;
    default:
      throw refused(name, `"${name}" is a flag: leave its value out, or say true or false.`);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    throw new VelocityError('BAD_REQUEST', 'The query is not percent-encoded UTF-8.', {
      ...{ cause: error, field: 'query' },
    });
  }
}
