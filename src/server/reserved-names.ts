/**
 * First parts of paths that are the server's own, so no named store may have one for its name: those of today, and
 * some that later versions may want.
 */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  // What the server says of itself.
  ...['health', 'live', 'ready', 'metrics', 'stats', 'status'],
  // Its own protocol, and whose entries they are.
  ...['v1', 'v2', 't', 'auth', 'api'],
  // Build tools' protocols.
  ...['v8', 'ac', 'cas', 'cache', 'kv', 'gradle', 'maven', 'rush', 'webdav', 'ccache', 'azure', 'twirp'],
  // Pages for people and their browsers.
  ...['ui', 'files', 'favicon.ico', 'robots.txt'],
]);
