/**
 * Where a message ends, to whom it goes and what becomes of its connection are for the proxy to say: a policy that could
 * write these could have one request be taken for two.
 */
export const NOT_FOR_POLICIES: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
