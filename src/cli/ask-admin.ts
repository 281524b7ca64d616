import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { codeOrName, ERRORS, type ErrorCode, VelocityError } from '../base/errors.ts';
import type { Io } from './io.ts';
import { findSocket } from './watch/find-socket.ts';

/** Long, for a store that has much to go through. */
const TIMEOUT_MS = 60_000;

export interface AdminQuestion<T> {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly message?: object;
  /** `undefined`: it is no answer to this question. */
  readonly parse: (reply: unknown) => T | undefined;
}

export const ADMIN_SOCKET_OPTION = 'admin socket of the proxy; without it, that of the only one that runs';

/** Adds the flag that names the socket. */
export function withAdminSocket(command: Command): Command {
  return command.option('--socket <path>', ADMIN_SOCKET_OPTION);
}

/**
 * Asks a proxy's admin side over its socket. Who may open that may do all that it does: there is no token.
 * @param command has `withAdminSocket`
 * @throws VelocityError what the proxy refused in its own words, as `USAGE` where the question was wrong; `PROXY_UNREACHABLE`
 */
export async function askAdmin<T>(
  command: Command,
  io: Io,
  { method, path, message, parse }: AdminQuestion<T>,
): Promise<T> {
  const socket = await findSocket(command.getOptionValue('socket') as string | undefined, io);
  const body = message === undefined ? undefined : JSON.stringify(message);
  const { status, text: said } = await exchange(socket, method, path, body).catch((error: unknown) => {
    throw new VelocityError(
      'PROXY_UNREACHABLE',
      `No proxy answers at ${socket} (${codeOrName(error)}). Is one running? Name the socket of its admin side with --socket.`,
      { cause: error },
    );
  });
  const reply = parsedJson(said);
  if (status !== 200) throw refusal(status, reply, socket);
  const answer = parse(reply);
  if (answer !== undefined) return answer;
  throw new VelocityError('PROXY_UNREACHABLE', `What answers at ${socket} is not the admin side of a proxy.`);
}

async function exchange(
  socketPath: string,
  method: string,
  path: string,
  body: string | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  const { promise, resolve: answer, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const headers = {
    host: 'localhost',
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const asked = request({ socketPath, method, path, headers, signal }, (response) => {
    text(response).then((said) => answer({ status: response.statusCode ?? 0, text: said }), reject);
  });
  asked.on('error', reject);
  asked.end(body);
  return promise;
}

function refusal(status: number, reply: unknown, socket: string): VelocityError {
  const { code, detail } = (reply ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code) || typeof detail !== 'string')
    return new VelocityError('PROXY_UNREACHABLE', `What answers at ${socket} says ${status}.`);
  return new VelocityError(status === ERRORS.BAD_REQUEST.status ? 'USAGE' : (code as ErrorCode), detail);
}

function parsedJson(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return undefined; // and so no answer to anything
  }
}
