const LOOPBACK = /^http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:\/|$)/;

/** Whether an issuer, or its keys, may be asked there: what comes over the open network could be anybody's. */
export function isIssuerUrl(text: string): boolean {
  return URL.canParse(text) && (text.startsWith('https://') || LOOPBACK.test(text));
}
