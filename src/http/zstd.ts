import type { IncomingMessage } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { VelocityError } from '../base/errors.ts';
import { pipeInto } from '../base/pipe-into.ts';
import { type OnBytes, type Representation, tooLarge } from './transfer.ts';

/** The fastest that is still worth it: what it costs, a slow network gives back. */
const LEVEL = 1;
/** 2^23 bytes, which every level up to 19 keeps to: a frame may ask for a window of 2 GiB, and would get it. */
const MAX_WINDOW_LOG = 23;

/** Whether the answer may be in zstd: RFC 9110 §12.5.3. */
export function takesZstd({ headers }: IncomingMessage): boolean {
  const named = /(?:^|,)[ \t]*zstd[ \t]*(?:;[ \t]*q=([0-9.]+)[ \t]*)?(?:,|$)/i;
  const [, weight = '1'] = named.exec(String(headers['accept-encoding'])) ?? ['', '0'];
  return Number(weight) > 0;
}

/** The head of an answer in zstd: nobody knows its length yet, no part can be asked for, and its bytes are not the entry's. */
export function zstdHead({ contentType, etag, modifiedAt }: Representation): {
  status: 200;
  headers: string[];
} {
  const headers = [
    ...['content-type', contentType ?? 'application/octet-stream'],
    ...['content-encoding', 'zstd'],
    ...['etag', `W/"${etag}"`],
    ...['last-modified', new Date(modifiedAt).toUTCString()],
  ];
  return { status: 200, headers };
}

/** RFC 8878. A body that fails fails what comes out of this. */
export function zstdEncoded(body: Readable): Readable {
  const encoder = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
  pipeline(body, encoder, () => {}); // whoever reads what comes out hears of it
  return encoder;
}

/**
 * What comes out of a body that was sent in zstd, in memory that does not grow with it; the body stays its owner's.
 * Nothing of it is read before somebody reads what comes out, which fails with `BODY_TOO_LARGE`, and with `BAD_REQUEST`
 * where the body is no zstd.
 * @param onBytes told of what comes out
 */
export function zstdDecoded(body: Readable, maxBytes: number, onBytes?: OnBytes | undefined): Readable {
  return Readable.from(decodedChunks(body, maxBytes, onBytes), { objectMode: false });
}

async function* decodedChunks(
  body: Readable,
  maxBytes: number,
  onBytes: OnBytes | undefined,
): AsyncGenerator<Uint8Array> {
  const decoder = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG } });
  decoder.once('unpipe', () => {
    if (!decoder.writableEnded) decoder.destroy(); // the body's owner drops the rest: so much for its window
  });
  let received = 0;
  try {
    for await (const chunk of pipeInto(body, decoder) as AsyncIterable<Uint8Array>) {
      received += chunk.length;
      onBytes?.(chunk.length);
      if (received > maxBytes) throw tooLarge(received, maxBytes);
      yield chunk;
    }
    // The engine stops at the end of the frame; what is left would stay on the connection, before the next request.
    if (!body.readableEnded) throw new Error('something follows its end');
  } catch (error) {
    const brokeOff = body.destroyed && !body.readableEnded;
    if (brokeOff || error instanceof VelocityError) throw error;
    throw new VelocityError('BAD_REQUEST', 'The body is not zstd.', { cause: error, field: 'body' });
  } finally {
    decoder.destroy();
  }
}
