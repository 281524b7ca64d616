/**
 * RFC 3986 unreserved characters stay, all others become `%XX`: the form of paths and query
 * values in a canonical request (https://cloud.google.com/storage/docs/authentication/canonical-requests).
 */
export function escapeUri(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Where an object lies in the XML API, in path style: `/bucket/key`. */
export function objectPath(bucket: string, key: string): string {
  return `/${escapeUri(bucket)}/${key.split('/').map(escapeUri).join('/')}`;
}
