/**
 * The one kind of request that is understood without Node's parser: GET or HEAD of a path, in one piece, with nothing in
 * it that could change its meaning or what follows it on its connection.
 */
export interface SimpleRequest {
  readonly method: 'GET' | 'HEAD';
  /** As it was sent, query included. */
  readonly target: string;
  readonly authorization: string | undefined;
  readonly host: string;
  /** All of them, as they were sent: name, value, name, value. */
  readonly fields: readonly string[];
}

const MAX_BYTES = 4096;
const METHODS = (['GET', 'HEAD'] as const).map((method) => ({ method, bytes: Buffer.from(`${method} /`) }));
const REST_OF_LINE = Buffer.from(' HTTP/1.1\r\n');
const SPACE = 0x20;
/** RFC 9112 §5: no space before the colon, no folded line, no bare CR or LF; of values plain ASCII alone. */
const FIELD = /([A-Za-z-]+): ?((?:[!-~](?:[ -~]*[!-~])?)?)\r\n/y;

/** Names that say nothing about framing, nor about which answer is meant where there is but one. */
export const HARMLESS: ReadonlySet<string> = new Set([
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
  said?: SaidFields;
}

type SaidFields = Pick<SimpleRequest, 'authorization' | 'host' | 'fields'>;

/**
 * A piece of a connection as a request, where it is a whole one and no more. Everything else is `undefined`, which is
 * no judgement: Node's parser makes that.
 * @param harmless names, in lower case, of the fields that it may have beside Host, Authorization and a Connection that is kept
 */
export function simpleRequestIn(
  piece: Buffer,
  seen: SeenFields = {},
  harmless: ReadonlySet<string> = HARMLESS,
): SimpleRequest | undefined {
  if (piece.length > MAX_BYTES) return undefined;
  const known = METHODS.find(({ bytes }) => isAt(piece, 0, bytes));
  if (known === undefined) return undefined;
  const { method, bytes } = known;
  const start = bytes.length - 1; // its slash is of the target
  let end = start;
  while (isOfTarget(piece[end])) end++;
  const fieldsAt = end + REST_OF_LINE.length;
  if (!isAt(piece, end, REST_OF_LINE)) return undefined;
  let { said } = seen;
  if (!(said && seen.bytes?.length === piece.length - fieldsAt && isAt(piece, fieldsAt, seen.bytes))) {
    said = readFields(piece.toString('latin1', fieldsAt), harmless);
    if (said === undefined) return undefined;
    seen.bytes = new Uint8Array(piece.subarray(fieldsAt));
    seen.said = said;
  }
  const target = piece.toString('latin1', start, end);
  return { method, target, authorization: said.authorization, host: said.host, fields: said.fields };
}

/** RFC 9112 §3.2.1: of a path and a query. Readers differ in what a # parts. */
function isOfTarget(byte: number | undefined): boolean {
  return byte !== undefined && byte > SPACE && byte <= 0x7e && byte !== 0x23;
}

function isAt(piece: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (piece[at + i] !== bytes[i]) return false;
  return true;
}

/** Where all fields are harmless, and they and the empty line are all there is. */
function readFields(text: string, harmless: ReadonlySet<string>): SaidFields | undefined {
  let host: string | undefined;
  let authorization: string | undefined;
  const fields: string[] = [];
  FIELD.lastIndex = 0;
  for (let end = 0; ; end = FIELD.lastIndex) {
    const field = FIELD.exec(text);
    if (field === null) {
      // The empty line, and nothing after it. RFC 9112 §3.2: one Host, no less.
      const isWhole = end === text.length - 2 && text.endsWith('\r\n');
      return host !== undefined && isWhole ? { authorization, host, fields } : undefined;
    }
    const [, spelt = '', value = ''] = field;
    const name = spelt.toLowerCase();
    fields.push(spelt, value);
    if (harmless.has(name)) continue;
    if (name === 'host' && host === undefined && value !== '') host = value;
    else if (name === 'authorization' && authorization === undefined) authorization = value;
    else if (name !== 'connection' || value.toLowerCase() !== 'keep-alive') return undefined;
  }
}
