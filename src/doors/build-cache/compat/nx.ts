/**
 * Nx's self-hosted remote cache, version 1.0.0 of its specification, which Nx speaks since 20.8.
 * https://nx.dev/recipes/running-tasks/self-hosted-caching
 *
 * Nx takes no other answers than these: to a GET 200 and 404, to a PUT 200, 409 and 403, of which the last two are silent.
 * Any other ends the build, a 5xx or a 429 like all the rest. So but for a token that is unknown, whatever goes wrong
 * is told as a miss, or as an upload that is not allowed, with the true reason in `x-velocity-error`, log and metrics.
 *
 * Write once: a hash that any scope which the token reads holds is answered 409. Nothing Nx does undoes that, so what
 * is damaged must never be stored.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../../../base/errors.ts';
import { GzipTarCheck } from './gzip-tar-check.ts';
import { type Protocol, readsOnly } from './protocol.ts';

const NAME = 'nx';
/** Decimal digits today; nothing is read out of them. */
const HASH = /^[0-9A-Za-z]{1,128}$/;
const TEXT = 'text/plain'; // exactly so: with a charset behind it Nx takes a 401 for a broken server

export function nx(): Protocol {
  return {
    name: NAME,

    register({ on, downloads, uploads }) {
      on('GET', '/v1/cache/:hash', (request, response) =>
        downloads.send(request, response, nameOf(request), {
          redirects: true,
          checkedAhead: true,
          isPlain: true,
        }),
      );

      on('PUT', '/v1/cache/:hash', async (request, response) => {
        const check = (): GzipTarCheck => new GzipTarCheck();
        const outcome = await uploads.receive(request, nameOf(request), { check });
        if (outcome === 'forbidden') throw readsOnly();
        if (outcome === 'exists') answerText(response, 409, 'The first upload of this hash won.');
        else answerText(response, 200, 'Stored.');
      });
    },

    failure({ status, detail }, method) {
      const told = status === 401 ? 401 : method === 'PUT' ? 403 : 404;
      return { status: told, contentType: TEXT, body: detail };
    },
  };
}

function nameOf(request: FastifyRequest): string {
  const { hash } = request.params as { readonly hash: string };
  if (!HASH.test(hash))
    throw new VelocityError('BAD_REQUEST', 'hash must be 1 to 128 letters and digits.', { field: 'hash' });
  return `${NAME}/${hash}`;
}

function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, ['content-type', TEXT, 'content-length', String(Buffer.byteLength(text))]);
  response.end(text);
}
