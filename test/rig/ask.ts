import { once } from 'node:events';
import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';

export interface Question {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  /** A unix socket to ask at, in place of the address of the URL. */
  readonly socketPath?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** `false`: it broke off. */
  readonly isWhole: boolean;
}

/** A connection for each, however many: who asks must not wait for another who does. */
const AGENT = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

/** Up to the head of the answer, whose body is for the caller to read. */
export async function beginToAsk(url: string, question: Question = {}): Promise<IncomingMessage> {
  const { method = 'GET', headers = {}, body, socketPath } = question;
  const asking = request(url, { method, headers, agent: AGENT, ...(socketPath && { socketPath }) });
  asking.end(body);
  const [message] = (await once(asking, 'response')) as [IncomingMessage];
  message.on('error', () => {}); // it may break off before anybody reads it
  return message;
}

/** One request and all that comes of it. Rejects where there is not even a head. */
export async function ask(url: string, question?: Question): Promise<Answer> {
  return readAnswer(await beginToAsk(url, question));
}

export async function readAnswer(message: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message) chunks.push(chunk as Buffer);
  } catch {} // `complete` tells
  const { statusCode = 0, headers, complete } = message;
  return { status: statusCode, headers, body: Buffer.concat(chunks), isWhole: complete };
}
