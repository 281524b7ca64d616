import { type Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { eachChunk } from '../../base/each-chunk.ts';
import type { Secret } from '../../base/secret.ts';

export interface PostOptions {
  readonly agent: Agent;
  readonly signal: AbortSignal;
  readonly maxReplyBytes: number;
  /** Sent as a bearer token. */
  readonly token?: Secret | undefined;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Posts JSON and has all of the answer. Rejects where there is none: unreachable, broken off, aborted, too large. */
export async function postJson(url: URL, json: string, options: PostOptions): Promise<Reply> {
  const answer = await send(url, Buffer.from(json), options);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  await eachChunk(answer, (chunk) => {
    bytes += chunk.length;
    if (bytes > options.maxReplyBytes) {
      answer.destroy();
      throw new Error(`its answer has more than ${options.maxReplyBytes} bytes`);
    }
    chunks.push(chunk);
    return undefined;
  });
  return { status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') };
}

function send(url: URL, body: Buffer, { agent, signal, token }: PostOptions): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = {
    'content-type': 'application/json',
    'content-length': body.length,
    accept: 'application/json',
    'connect-protocol-version': '1',
    ...(token && { authorization: `Bearer ${token.reveal()}` }),
  };
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  request(url, { method: 'POST', headers, agent, signal }, resolve).on('error', reject).end(body);
  return promise;
}
