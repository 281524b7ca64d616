import { Agent, type IncomingMessage, type RequestOptions, request as send } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import type { ByteSpan } from '../../../base/byte-range.ts';
import { VelocityError } from '../../../base/errors.ts';
import { escapeUri, escapeUriPath } from '../../escape-uri.ts';
import { KEPT_CONNECTIONS } from '../../kept-connections.ts';
import { RcloneRefusal, RcloneUnreachable } from './rclone-failure.ts';

/** Some hundred thousand rows of a listing. */
const MAX_REPLY_BYTES = 128 * 1024 * 1024;
/** rclone keeps statistics of each group of calls, and with a group a call it would keep a thousand. */
const GROUP = 'velocity';

/** The remote control of one process (https://rclone.org/rc/). Each method throws `RcloneRefusal` and `RcloneUnreachable`. */
export class RcloneClient {
  /** `http://127.0.0.1:40321/` */
  readonly address: string;
  readonly #authorization: string;
  readonly #agent = new Agent(KEPT_CONNECTIONS);

  constructor(address: string, user: string, password: string) {
    this.address = address;
    this.#authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }

  async call(command: string, parameters: object, signal?: AbortSignal): Promise<unknown> {
    const body = JSON.stringify({ ...parameters, _group: GROUP });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const reply = await this.#exchange(command, { method: 'POST', headers, signal }, (request) =>
      request.end(body),
    );
    return jsonOf(reply);
  }

  /** The object's bytes; the reply must be consumed or destroyed. */
  async open(
    fs: string,
    path: string,
    span: ByteSpan | 'whole',
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const headers = span === 'whole' ? {} : { range: `bytes=${span.first}-${span.last}` };
    const reply = await this.#exchange(
      `${escapeUri(`[${fs}]`)}/${escapeUriPath(path)}`,
      { method: 'GET', headers, signal },
      (request) => request.end(),
    );
    if (reply.statusCode === (span === 'whole' ? 200 : 206)) return reply;
    throw await refusalOf(reply);
  }

  /**
   * Stores what the form holds in one folder. rclone takes a form that breaks off for a whole one where little of it
   * has come: it must be ended well, and what is to be made of it decided afterwards.
   */
  async upload(
    fs: string,
    folder: string,
    form: Readable,
    boundary: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const path = `operations/uploadfile?fs=${escapeUri(fs)}&remote=${escapeUri(folder)}&_group=${GROUP}`;
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    const reply = await this.#exchange(path, { method: 'POST', headers, signal }, (request) =>
      pipeline(form, request, () => {}),
    );
    await jsonOf(reply);
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange(
    path: string,
    { signal, headers, ...options }: RequestOptions & { readonly signal?: AbortSignal | undefined },
    write: (request: ReturnType<typeof send>) => void,
  ): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = send(new URL(path, this.address), {
      ...options,
      agent: this.#agent,
      headers: { ...headers, authorization: this.#authorization },
      ...(signal ? { signal } : {}),
    });
    request.on('error', (error) => reject(signal?.aborted ? error : new RcloneUnreachable(error)));
    request.once('response', resolve);
    write(request);
    return promise;
  }
}

async function jsonOf(reply: IncomingMessage): Promise<unknown> {
  if (reply.statusCode !== 200) throw await refusalOf(reply);
  const text = await textOf(reply);
  try {
    return JSON.parse(text);
  } catch {
    throw new RcloneRefusal(200, 'the answer is not JSON'); // the parser's error quotes what it read
  }
}

/** Of an answer to a call only what went wrong is kept: it repeats the call, credentials included. */
async function refusalOf(reply: IncomingMessage): Promise<RcloneRefusal> {
  const { statusCode = 0 } = reply;
  const text = await textOf(reply);
  try {
    const { error } = JSON.parse(text) as { readonly error?: unknown };
    return new RcloneRefusal(statusCode, String(error));
  } catch {
    return new RcloneRefusal(statusCode, `status ${statusCode}`);
  }
}

async function textOf(reply: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of reply as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_REPLY_BYTES) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw new RcloneUnreachable(error);
  }
  if (bytes > MAX_REPLY_BYTES)
    throw new VelocityError('STORAGE_FAILED', 'A folder of the remote holds too many names to be listed.');
  return Buffer.concat(chunks).toString();
}
