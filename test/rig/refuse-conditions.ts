import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { HttpServer } from './http-server.ts';

/** What OpenStack Swift's s3api answers to a conditional write. */
const NOT_IMPLEMENTED =
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NotImplemented</Code><Message>Not implemented.</Message></Error>';

/**
 * A storage without conditional writes: all goes to the server behind it as it came, `Host` and signature included,
 * but a PUT with `If-None-Match` is answered 501.
 */
export function refuseConditions(upstream: string): Promise<HttpServer> {
  return HttpServer.start((request, response) => {
    if (request.method === 'PUT' && request.headers['if-none-match'] !== undefined) {
      request.resume();
      request.once('end', () =>
        response.writeHead(501, { 'content-type': 'application/xml' }).end(NOT_IMPLEMENTED),
      );
      return;
    }
    pass(request, response, upstream);
  });
}

function pass(request: IncomingMessage, response: ServerResponse, upstream: string): void {
  const { method = 'GET', rawHeaders: headers, url = '/' } = request;
  const onward = forward(`${upstream}${url}`, { method, headers, setHost: false });
  onward.once('response', (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.rawHeaders);
    pipeline(reply, response, () => {});
  });
  pipeline(request, onward, (error) => {
    if (error) response.destroy();
  });
}
