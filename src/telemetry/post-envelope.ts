import type { TransportMakeRequestResponse } from '@sentry/core';

const TIMEOUT_MS = 10_000;

/** Sends one envelope and gives the answer as the SDK's transport reads it. */
export type PostEnvelope = (
  url: string,
  body: string | Uint8Array,
  signal: AbortSignal,
) => Promise<TransportMakeRequestResponse>;

export const postEnvelope: PostEnvelope = async (url, body, signal) => {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-sentry-envelope' },
    body: typeof body === 'string' ? body : Uint8Array.from(body),
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  await reply.body?.cancel();
  return {
    statusCode: reply.status,
    headers: {
      'retry-after': reply.headers.get('retry-after'),
      'x-sentry-rate-limits': reply.headers.get('x-sentry-rate-limits'),
    },
  };
};
