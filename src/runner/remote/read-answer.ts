import type { Answer } from './exchange.ts';

/** A batch of a thousand finds has some hundred KiB. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/** The whole body as JSON; `undefined` where it is none. A body beyond all measure is cut off and rejected. */
export async function readJson({ body }: Answer): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_REPLY_BYTES) throw new Error(`an answer of more than ${MAX_REPLY_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined; // the caller tells what was expected
  }
}

/** Only seconds: a date would be one of another machine's clock. RFC 9110 §10.2.3. */
export function retryAfterMs({ headers }: Answer): number | undefined {
  const written = headers['retry-after'] ?? '';
  return /^\d{1,9}$/.test(written) ? Number(written) * 1000 : undefined;
}
