import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { formatByteSize } from '../../base/byte-size.ts';
import { ROOT } from '../../files/file-path.ts';
import { type ListedEntry, type Listing, timeOf } from './listing.ts';

const STYLE =
  'body{font:14px/1.6 system-ui,sans-serif;margin:2rem;color-scheme:light dark}' +
  'table{border-collapse:collapse}td,th{padding:0 2rem 0 0;text-align:left;font-weight:normal;white-space:pre}' +
  'td.size{text-align:right}th,.note{opacity:.6}';

/** Nothing but its own style is let in, whatever the names of files are. */
export const PAGE_FIELDS: readonly string[] = [
  ...['content-type', 'text/html; charset=utf-8'],
  ...['vary', 'accept'],
  ...['x-content-type-options', 'nosniff'],
  // The address may have a signature in it.
  ...['referrer-policy', 'no-referrer'],
  'content-security-policy',
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
];

/** Entries in one piece of the body. */
const AT_ONCE = 500;

/**
 * What the links of a folder's page begin with: it may be asked for with and without a slash at its end.
 * @param address the path of the request as it came, without its query
 */
export function linkBase(address: string): string {
  const last = address.slice(address.lastIndexOf('/') + 1);
  return last === '' ? './' : `./${last}/`;
}

/**
 * A folder's listing for people, without scripts.
 * @param base as `linkBase` gives it
 */
export function listingPage(listing: Listing, base: string): Readable {
  return Readable.from(piecesOf(listing, base), { objectMode: false });
}

function* piecesOf({ path, entries, more }: Listing, base: string): Generator<string> {
  const title = escaped(`/${path}`);
  yield `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${title}</title>\n` +
    `<meta name="viewport" content="width=device-width">\n<style>${STYLE}</style>\n<h1>${title}</h1>\n` +
    '<table>\n<tr><th>Name<th>Size<th>Modified\n';
  if (path !== ROOT) yield `<tr><td><a href="${escaped(base)}../">..</a><td><td>\n`;
  for (let at = 0; at < entries.length; at += AT_ONCE)
    yield entries
      .slice(at, at + AT_ONCE)
      .map((entry) => rowOf(entry, base))
      .join('');
  yield '</table>\n';
  if (more) yield `<p class="note">There is more here than the ${entries.length} entries that are shown.\n`;
  else if (entries.length === 0) yield '<p class="note">This folder is empty.\n';
}

function rowOf(entry: ListedEntry, base: string): string {
  const { name, type, sizeBytes } = entry;
  const slash = type === 'folder' ? '/' : '';
  const link = escaped(`${base}${encodeURIComponent(name.toWellFormed())}${slash}`);
  const size = sizeBytes === undefined ? '' : formatByteSize(sizeBytes);
  const arrow = type === 'link' ? ' →' : '';
  const modified = timeOf(entry).replace('T', ' ').replace(/\..*/, '');
  return `<tr><td><a href="${link}">${escaped(name)}${slash}</a>${arrow}<td class="size">${size}<td>${modified}\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
