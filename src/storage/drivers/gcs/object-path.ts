import { escapeUri, escapeUriPath } from '../../escape-uri.ts';

/** Where an object lies in the XML API, in path style: `/bucket/key`. */
export function objectPath(bucket: string, key: string): string {
  return `/${escapeUri(bucket)}/${escapeUriPath(key)}`;
}
