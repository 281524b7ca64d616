import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { messageOf, systemCode, VelocityError } from '../base/errors.ts';
import type { Logger } from '../telemetry/logger.ts';

/** A server with connections that may be idle, as far as its end needs it. */
export interface Drainable {
  close(done: () => void): unknown;
  prependListener(
    event: 'request',
    listener: (request: IncomingMessage, response: ServerResponse) => void,
  ): unknown;
  closeIdleConnections(): void;
  closeAllConnections(): void;
}

export interface Draining {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long what is under way may take, in ms. */
  readonly timeout: number;
  /** Skips every wait. */
  readonly now: AbortSignal | undefined;
  /** Called once nothing new is accepted. */
  readonly onClosing?: () => void;
  /** Cuts connections that the server does not know any longer. */
  readonly onCut?: () => void;
}

/** Stops accepting, lets what is under way finish within the time and cuts what is left. Resolves when all is closed. */
export async function drain(server: Drainable, draining: Draining): Promise<void> {
  const { clock, logger, timeout, now, onClosing, onCut } = draining;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Keep-alive connections are told to go with their next answer, idle ones go at once.
  // Before others' listeners: some requests are answered at once, and then it is too late for a header.
  server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'));
  server.closeIdleConnections();
  onClosing?.();
  const cutAll = (): void => {
    server.closeAllConnections();
    onCut?.();
  };
  const cancel = clock.after(timeout, () => {
    logger.warn('the grace time is over: cutting what is still under way');
    cutAll();
  });
  if (now?.aborted) cutAll();
  else now?.addEventListener('abort', cutAll, { once: true });
  await closed;
  cancel();
  now?.removeEventListener('abort', cutAll);
}

/** Resolves after `ms`, or when it is cut short. */
export function wait(ms: number, clock: Clock, cut: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (cut?.aborted) return resolve();
    const cancel = clock.after(ms, resolve);
    cut?.addEventListener('abort', () => {
      cancel();
      resolve();
    });
  });
}

/** @param hint what to set */
export function listenFailed(error: unknown, host: string, port: number, hint: string): VelocityError {
  const why = systemCode(error) === 'EADDRINUSE' ? 'another program listens there' : messageOf(error);
  return new VelocityError('LISTEN_FAILED', `Could not listen on ${host}:${port}: ${why}. ${hint}`, {
    cause: error,
  });
}
