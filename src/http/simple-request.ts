/**
 * The one kind of request that is understood without Node's parser: GET or HEAD of a path, in one piece, with nothing in
 * it that could change its meaning or what follows it on its connection.
 */
export interface SimpleRequest {
  readonly method: 'GET' | 'HEAD';
  /** As it was sent, query included. */
  readonly target: string;
  readonly authorization: string | undefined;
}

const MAX_BYTES = 4096;
/** RFC 9112 §3.2.1: a path and a query. Readers differ in what a # parts. */
const REQUEST_LINE = /^(GET|HEAD) (\/[!"$-~]*) HTTP\/1\.1\r\n/;
/** RFC 9112 §5: no space before the colon, no folded line, no bare CR or LF; of values plain ASCII alone. */
const FIELD = /([A-Za-z-]+): ?((?:[!-~](?:[ -~]*[!-~])?)?)\r\n/y;

/** Names that say nothing about framing, nor about which answer is meant where there is but one. */
const HARMLESS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'sec-fetch-mode', // of Node's own fetch
  'user-agent',
  'x-artifact-client-ci',
  'x-artifact-client-interactive',
]);

/**
 * The fields of the last simple request of a connection. A client sends the same ones with each request: byte for byte
 * the same, they say the same.
 */
export interface SeenFields {
  text?: string;
  authorization?: string | undefined;
}

/**
 * A piece of a connection as a request, where it is a whole one and no more. Everything else is `undefined`, which is
 * no judgement: Node's parser makes that.
 */
export function simpleRequestIn(piece: Buffer, seen: SeenFields = {}): SimpleRequest | undefined {
  if (piece.length > MAX_BYTES) return undefined;
  const text = piece.toString('latin1');
  const line = REQUEST_LINE.exec(text);
  if (line === null) return undefined;
  const [all, method, target = ''] = line;
  const fields = text.slice(all.length);
  if (fields !== seen.text) {
    const authorization = readFields(fields);
    if (authorization === false) return undefined;
    seen.text = fields;
    seen.authorization = authorization;
  }
  return { method: method === 'HEAD' ? 'HEAD' : 'GET', target, authorization: seen.authorization };
}

/** What is sent for authorization, where all fields are harmless, and they and the empty line are all there is; else `false`. */
function readFields(text: string): string | undefined | false {
  let hasHost = false;
  let authorization: string | undefined;
  FIELD.lastIndex = 0;
  for (let end = 0; ; end = FIELD.lastIndex) {
    const field = FIELD.exec(text);
    if (field === null) {
      // The empty line, and nothing after it. RFC 9112 §3.2: one Host, no less.
      return hasHost && end === text.length - 2 && text.endsWith('\r\n') ? authorization : false;
    }
    const name = (field[1] ?? '').toLowerCase();
    if (HARMLESS.has(name)) continue;
    const value = field[2] ?? '';
    if (name === 'host' && !hasHost && value !== '') hasHost = true;
    else if (name === 'authorization' && authorization === undefined) authorization = value;
    else if (name !== 'connection' || value.toLowerCase() !== 'keep-alive') return false;
  }
}
