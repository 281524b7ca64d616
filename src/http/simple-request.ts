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
const METHODS = (['GET', 'HEAD'] as const).map((method) => ({ method, bytes: Buffer.from(`${method} /`) }));
const REST_OF_LINE = Buffer.from(' HTTP/1.1\r\n');
const SPACE = 0x20;
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
  /** With the empty line. */
  bytes?: Uint8Array;
  authorization?: string | undefined;
}

/**
 * A piece of a connection as a request, where it is a whole one and no more. Everything else is `undefined`, which is
 * no judgement: Node's parser makes that.
 */
export function simpleRequestIn(piece: Buffer, seen: SeenFields = {}): SimpleRequest | undefined {
  if (piece.length > MAX_BYTES) return undefined;
  const known = METHODS.find(({ bytes }) => isAt(piece, 0, bytes));
  if (known === undefined) return undefined;
  const { method, bytes } = known;
  const start = bytes.length - 1; // its slash is of the target
  let end = start;
  while (isOfTarget(piece[end])) end++;
  const fieldsAt = end + REST_OF_LINE.length;
  if (!isAt(piece, end, REST_OF_LINE)) return undefined;
  if (!(seen.bytes && piece.length - fieldsAt === seen.bytes.length && isAt(piece, fieldsAt, seen.bytes))) {
    const authorization = readFields(piece.toString('latin1', fieldsAt));
    if (authorization === false) return undefined;
    seen.bytes = new Uint8Array(piece.subarray(fieldsAt));
    seen.authorization = authorization;
  }
  const target = piece.toString('latin1', start, end);
  return { method, target, authorization: seen.authorization };
}

/** RFC 9112 §3.2.1: of a path and a query. Readers differ in what a # parts. */
function isOfTarget(byte: number | undefined): boolean {
  return byte !== undefined && byte > SPACE && byte <= 0x7e && byte !== 0x23;
}

function isAt(piece: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (piece[at + i] !== bytes[i]) return false;
  return true;
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
