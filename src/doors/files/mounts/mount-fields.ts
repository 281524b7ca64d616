import { VelocityError } from '../../../base/errors.ts';
import { didYouMean } from '../../../base/suggest.ts';
import { type Mount, type MountTerms, parseMountPath, parseMountPrefix } from './mount.ts';

const FIELDS = ['path', 'store', 'prefix', 'label'];
const MAX_LABEL_LENGTH = 200;

/** The body of a POST. @throws VelocityError `BAD_REQUEST` */
export function readTerms(body: unknown): MountTerms {
  const { path, store, prefix = '', label } = readChanges(body);
  if (path === undefined) throw refused('path', 'A mount needs a "path", the folder that it is.');
  if (store === undefined) throw refused('store', 'A mount needs a "store", the name of one.');
  return { path, store, prefix, label };
}

/** The body of a PATCH: what is to be otherwise. A label that is `null` is taken away. @throws VelocityError `BAD_REQUEST` */
export function readChanges(body: unknown): Partial<MountTerms> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refused('body', 'Send a JSON object with "path", "store", "prefix" or "label".');
  const unknown = Object.keys(body).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined)
    throw refused(unknown, `A mount has no field "${unknown}"${didYouMean(unknown, FIELDS)}.`);
  const { path, store, prefix, label } = body as Readonly<Record<string, unknown>>;
  return {
    ...(path === undefined ? {} : { path: parseMountPath(textOf('path', path)) }),
    ...(store === undefined ? {} : { store: textOf('store', store) }),
    ...(prefix === undefined ? {} : { prefix: parseMountPrefix(textOf('prefix', prefix)) }),
    ...(label === undefined ? {} : { label: label === null ? undefined : labelOf(label) }),
  };
}

/** As the API shows it. */
export function shownMount({ id, path, store, prefix, label, source, madeAt, bucket }: Mount): object {
  return {
    ...{ id, path, store, prefix, ...(label === undefined ? {} : { label }), source },
    made: new Date(madeAt).toISOString(),
    // Requests for what lies on it fail until there is.
    ...(bucket ? {} : { trouble: `There is no store "${store}".` }),
  };
}

function labelOf(value: unknown): string {
  const label = textOf('label', value);
  if (label.length <= MAX_LABEL_LENGTH) return label;
  throw refused('label', `"label" has at most ${MAX_LABEL_LENGTH} characters.`);
}

function textOf(field: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw refused(field, `"${field}" is a text.`);
}

function refused(field: string, message: string): VelocityError {
  return new VelocityError('BAD_REQUEST', message, { field });
}
