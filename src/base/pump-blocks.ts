import type { Writable } from 'node:stream';
import type { ByteSpan } from './byte-range.ts';

export interface SendingOptions {
  /** Called before the first bytes, once they were found right. */
  readonly begin?: () => void;
  readonly onBytes?: (bytes: number) => void;
}

/** What is read at once; no block is larger. */
export const PAGE_BYTES = 256 * 1024;

/** Pages that nobody uses now; memory that was touched before costs less than new. */
const free: Buffer[] = [];
const MOST_FREE = 32;

/**
 * Sends a span of a body, block by block: the next one is read while the one before is sent. It goes through two pages
 * that are used again and again, where a stream would take new memory for each block, and that is half of what a large
 * body costs.
 * @param read fills `page` from `position` on to the end of its block or to `last`; what it gives is checked
 * @returns when all has gone to the system, or the sink is closed: whoever reads it has left
 */
export async function pumpBlocks(
  read: (page: Buffer, position: number, last: number) => Promise<Buffer>,
  sink: Writable,
  { first, last }: ByteSpan,
  { begin, onBytes }: SendingOptions = {},
): Promise<void> {
  const pages = [takePage(), takePage()];
  let sending: Promise<boolean> = Promise.resolve(true);
  try {
    for (let position = first, turn = 0; position <= last; turn++) {
      const bytes = await read(pages[turn % 2] as Buffer, position, last);
      if (turn === 0) begin?.();
      if (!(await sending)) return;
      sending = send(sink, bytes);
      onBytes?.(bytes.length);
      position += bytes.length;
    }
  } finally {
    // Of a sink that was closed in the middle nobody knows when the system lets go of what it had.
    if (await sending) free.push(...pages.slice(0, MOST_FREE - free.length));
  }
}

/** Whether it has gone to the system. */
function send(sink: Writable, bytes: Uint8Array): Promise<boolean> {
  if (sink.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onClose = (): void => resolve(false);
    sink.once('close', onClose);
    sink.write(bytes, (error) => {
      sink.off('close', onClose);
      resolve(!error);
    });
  });
}

function takePage(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(PAGE_BYTES);
}
