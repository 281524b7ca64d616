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
  /** All of them, as they were sent: name, value, name, value. No two of a name. */
  readonly fields: readonly string[];
  /** Whether all of them say nothing about which answer is meant where there is but one. */
  readonly isHarmless: boolean;
}

const MAX_BYTES = 4096;
const METHODS = (['GET', 'HEAD'] as const).map((method) => ({ method, bytes: Buffer.from(`${method} /`) }));
const REST_OF_LINE = Buffer.from(' HTTP/1.1\r\n');
const SPACE = 0x20;
/** RFC 9112 §5: no space before the colon, no folded line, no bare CR or LF; of values plain ASCII alone. */
const FIELD = /([A-Za-z0-9-]+): ?((?:[!-~](?:[ -~]*[!-~])?)?)\r\n/y;

/** Names that could say where a request ends, or what becomes of its connection: all that RFC 9112 and Node's parser know. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Names that say nothing about which answer is meant where there is but one. */
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

type SaidFields = Omit<SimpleRequest, 'method' | 'target'>;

/**
 * A piece of a connection as a request, where it is a whole one and no more. Everything else is `undefined`, which is
 * no judgement: Node's parser makes that.
 * @param harmless names, in lower case, of the fields that are, beside Host, Authorization and a Connection that is kept
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
  const { authorization, host, fields, isHarmless } = said;
  return { method, target, authorization, host, fields, isHarmless };
}

/** RFC 9112 §3.2.1: of a path and a query. Readers differ in what a # parts. */
function isOfTarget(byte: number | undefined): boolean {
  return byte !== undefined && byte > SPACE && byte <= 0x7e && byte !== 0x23;
}

function isAt(piece: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (piece[at + i] !== bytes[i]) return false;
  return true;
}

/** Where none is about the connection, no two have one name, and they and the empty line are all there is. */
function readFields(text: string, harmless: ReadonlySet<string>): SaidFields | undefined {
  const values = new Map<string, string>();
  const fields: string[] = [];
  let isHarmless = true;
  FIELD.lastIndex = 0;
  for (let end = 0; ; end = FIELD.lastIndex) {
    const field = FIELD.exec(text);
    if (field === null) {
      const host = values.get('host') ?? '';
      // The empty line, and nothing after it. RFC 9112 §3.2: one Host, no less.
      const isWhole = end === text.length - 2 && text.endsWith('\r\n');
      const authorization = values.get('authorization');
      return isWhole && host !== '' ? { authorization, host, fields, isHarmless } : undefined;
    }
    const [, spelt = '', value = ''] = field;
    const name = spelt.toLowerCase();
    if (values.has(name) || OF_THE_CONNECTION.has(name)) return undefined;
    if (name === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined;
    values.set(name, value);
    fields.push(spelt, value);
    isHarmless &&= harmless.has(name) || ALWAYS_HARMLESS.has(name);
  }
}

/** What they say is looked at by themselves. */
const ALWAYS_HARMLESS: ReadonlySet<string> = new Set(['authorization', 'connection', 'host']);
