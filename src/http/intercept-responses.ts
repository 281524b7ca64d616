import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { toProblem, writeProblem } from './problem.ts';
import { requestIdFor } from './request-id.ts';
import {
  dropBody,
  type InterceptedAnswer,
  type ResponseInterceptor,
  streamOf,
} from './response-interceptor.ts';
import { sendBody } from './transfer.ts';

/** Middleware as connect and Express have it; with fastify, in an `onRequest` hook on `request.raw` and `reply.raw`. */
export type NodeMiddleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/**
 * Lets an interceptor answer in place of the handlers behind it. What they write is looked at when its head would be
 * sent: it goes out as it is, or, where the interceptor takes it, becomes the body that it reads. It belongs before
 * middleware that changes bodies, which then changes what handlers write and not what the interceptor answers.
 * @param onError told what the client is told of a failure, before it is
 */
export function interceptResponses(
  interceptor: ResponseInterceptor,
  onError: (error: unknown) => void = () => {},
): NodeMiddleware {
  return (request, response, next) => {
    intercept(interceptor, request, response, onError);
    next();
  };
}

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

function intercept(
  interceptor: ResponseInterceptor,
  request: IncomingMessage,
  response: ServerResponse,
  onError: (error: unknown) => void,
): void {
  const { writeHead, write, end, flushHeaders } = response;
  const asked = { method: request.method ?? '', headers: request.headers };
  /** What handlers write; `undefined`: it goes to the client. */
  let body: PassThrough | undefined;
  let isDecided = false;

  const answer = async (status: number, fields: readonly string[], from: PassThrough): Promise<void> => {
    const left = new AbortController();
    const leave = (): void => left.abort(new Error('the client has left'));
    response.once('close', leave);
    if (response.destroyed) leave(); // its event may have passed already
    try {
      const given = await interceptor.answer(asked, { status, fields }, from, left.signal);
      restore();
      try {
        writeHead.call(response, given.status, [...given.fields]);
      } catch (error) {
        dropBody(given.body);
        throw error;
      }
      await send(response, given.body);
    } catch (error) {
      if (left.signal.aborted) return;
      onError(error);
      restore();
      writeProblem(response, toProblem(error, requestIdFor(request)));
    }
  };
  const restore = (): void => {
    Object.assign(response, { writeHead, write, end, flushHeaders });
    if (response.headersSent) return;
    for (const name of response.getHeaderNames()) response.removeHeader(name);
  };
  const decide = (status: number, more?: Headers): void => {
    if (isDecided || status < 200) return;
    isDecided = true;
    const fields = fieldsOf(response, more);
    if (!interceptor.takes(asked.method, { status, fields })) return;
    body = new PassThrough();
    body.on('error', () => {}); // the interceptor hears of it, where it still reads
    body.on('drain', () => response.emit('drain'));
    answer(status, fields, body);
  };

  response.writeHead = ((status: number, ...rest: [(string | Headers)?, Headers?]) => {
    const more = typeof rest[0] === 'object' ? rest[0] : rest[1];
    decide(status, more);
    if (body !== undefined) return response;
    return Reflect.apply(writeHead, response, [status, ...rest]);
  }) as typeof response.writeHead;
  response.flushHeaders = () => {
    decide(response.statusCode);
    if (body === undefined) flushHeaders.call(response);
  };
  response.write = ((...args: unknown[]) => {
    decide(response.statusCode);
    if (body === undefined) return Reflect.apply(write, response, args);
    // What nobody reads any more is dropped, so that whoever writes it comes to an end.
    return body.writable ? Reflect.apply(body.write, body, args) : true;
  }) as typeof response.write;
  response.end = ((...args: unknown[]) => {
    decide(response.statusCode);
    if (body === undefined) return Reflect.apply(end, response, args);
    const onFinish = args.find((arg) => typeof arg === 'function');
    if (onFinish !== undefined) response.once('finish', onFinish as () => void);
    if (body.writable) Reflect.apply(body.end, body, args.filter(isChunkOrEncoding));
    return response;
  }) as typeof response.end;
}

async function send(response: ServerResponse, body: InterceptedAnswer['body']): Promise<void> {
  if (body === undefined) response.end();
  else if ('sendTo' in body && response.req.httpVersionMajor === 1) {
    await body.sendTo(response);
    response.end();
  } else await sendBody(response, streamOf(body));
}

function isChunkOrEncoding(arg: unknown): boolean {
  return arg !== undefined && arg !== null && typeof arg !== 'function';
}

/** Those that were set, and those that come with the head, which go before them. */
function fieldsOf(response: ServerResponse, more: Headers = {}): readonly string[] {
  const given = Array.isArray(more) ? pairsOf(more.flat()) : Object.entries(more);
  const named = new Set(given.map(([name]) => name.toLowerCase()));
  const set = Object.entries(response.getHeaders()).filter(([name]) => !named.has(name.toLowerCase()));
  return [...set, ...given].flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().flatMap((one) => [name, String(one)]),
  );
}

function pairsOf(flat: readonly OutgoingHttpHeader[]): [string, OutgoingHttpHeader][] {
  const pairs: [string, OutgoingHttpHeader][] = [];
  for (let at = 0; at < flat.length; at += 2) pairs.push([String(flat[at]), flat[at + 1] ?? '']);
  return pairs;
}
