import { didYouMean } from '../../base/suggest.ts';
import { childOf, type FilePath, parentOf, parseFilePath, ROOT } from '../../files/file-path.ts';
import { Query, refused, refusedTogether } from './query.ts';

/** Where something is to be copied or moved. */
export interface Target {
  readonly to: FilePath;
  /** Whether what is there may be replaced. */
  readonly overwrite: boolean;
}

/** What a POST asks for. */
export type PostQuery =
  | ({ readonly kind: 'copy' } & Target)
  | ({ readonly kind: 'move' } & Target)
  | { readonly kind: 'mkdir' }
  /** To make the file again what it became by a revision. */
  | { readonly kind: 'restore'; readonly seq: number };

/** Where a PATCH puts its body. */
export type UpdateRange =
  | { readonly kind: 'append' }
  /** Both ends inclusive; `last` is `undefined` where the body alone says how long it is. */
  | { readonly kind: 'bytes'; readonly first: number; readonly last: number | undefined };

const OPERATIONS = ['copy_to', 'move_to', 'mkdir', 'restore_revision'] as const;
const MOVE_FIELDS = ['name', 'move_to', 'overwrite'];

/**
 * @param text what stands after the `?` of the address, not decoded
 * @throws VelocityError `BAD_REQUEST`
 */
export function parsePostQuery(text: string): PostQuery {
  const query = Query.parse(text, ['mkdir', 'overwrite'], ['copy_to', 'move_to', 'restore_revision']);
  const [operation, another] = OPERATIONS.filter((name) => query.has(name));
  if (operation === undefined)
    throw refused('query', `A POST needs one of ${OPERATIONS.map((name) => `"${name}"`).join(', ')}.`);
  if (another !== undefined) throw refusedTogether(operation, another);
  const overwrite = query.has('overwrite');
  if (operation === 'copy_to' || operation === 'move_to') {
    const to = targetOf(query.get(operation) ?? '', operation);
    return { kind: operation === 'copy_to' ? 'copy' : 'move', to, overwrite };
  }
  if (overwrite) throw refusedTogether(operation, 'overwrite');
  if (operation === 'mkdir') return { kind: 'mkdir' };
  return { kind: 'restore', seq: query.integer('restore_revision', 1) ?? 1 };
}

/**
 * The field X-Update-Range: `append`, `bytes=<first>-<last>` or `bytes=<first>-`.
 * @throws VelocityError `BAD_REQUEST`
 */
export function parseUpdateRange(field: string): UpdateRange {
  if (/^append$/i.test(field)) return { kind: 'append' };
  const [, from, to] = /^bytes=(\d{1,16})-(\d{1,16})?$/i.exec(field) ?? [];
  const first = Number(from);
  const last = to === undefined ? undefined : Number(to);
  if (!Number.isSafeInteger(first) || (last !== undefined && !Number.isSafeInteger(last)))
    throw refused('x-update-range', 'X-Update-Range is "append", "bytes=0-99" or "bytes=100-".');
  if (last !== undefined && last < first)
    throw refused('x-update-range', 'X-Update-Range ends before it begins.');
  return { kind: 'bytes', first, last };
}

/**
 * The body of a PATCH without X-Update-Range: `{ "name" }`, a new name in the same folder, or `{ "move_to" }`, a path;
 * both may have `"overwrite": true`.
 * @param path what is to be renamed or moved
 * @throws VelocityError `BAD_REQUEST`
 */
export function parseMove(body: unknown, path: FilePath): Target {
  if (path === ROOT) throw refused('path', 'The root can be neither renamed nor moved.');
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refused('body', 'A PATCH has the field X-Update-Range, or a JSON object with "name" or "move_to".');
  const unknown = Object.keys(body).find((key) => !MOVE_FIELDS.includes(key));
  if (unknown !== undefined)
    throw refused(unknown, `There is no field "${unknown}" here${didYouMean(unknown, MOVE_FIELDS)}.`);
  const { name, move_to, overwrite = false } = body as Readonly<Record<string, unknown>>;
  if (typeof overwrite !== 'boolean') throw refused('overwrite', '"overwrite" is true or false.');
  if (name !== undefined && move_to !== undefined) throw refusedTogether('name', 'move_to');
  if (typeof move_to === 'string') return { to: targetOf(move_to, 'move_to'), overwrite };
  if (typeof name === 'string') return { to: renamed(name, path), overwrite };
  throw refused('body', 'The body needs "name" or "move_to", a text.');
}

/** A path from the root on, with or without a slash before it. */
function targetOf(written: string, field: string): FilePath {
  const to = parseFilePath(written.startsWith('/') ? written.slice(1) : written);
  if (to === ROOT) throw refused(field, `"${field}" names no file or folder below the root.`);
  return to;
}

function renamed(name: string, path: FilePath): FilePath {
  if (name === '' || name.includes('/')) throw refused('name', '"name" is one name, without a slash.');
  return parseFilePath(childOf(parentOf(path), name));
}
