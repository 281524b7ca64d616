import type { NegotiateItem, NegotiateReply } from '../../wire/negotiate.ts';

/** A batch saves its client round trips, and the server little: each item is a look-up and a signature. */
const ITEMS_PER_REQUEST = 100;

/** How many requests a batch counts as. */
export function requestsIn(items: readonly unknown[]): number {
  return Math.max(1, Math.ceil(items.length / ITEMS_PER_REQUEST));
}

/**
 * How many bytes the URLs of the replies let pass. An upload of which nobody said how large it is
 * may be as large as any, so it counts as that: who limits bytes must not be told less by silence.
 */
export function bytesHandedOut(
  items: readonly NegotiateItem[],
  replies: readonly NegotiateReply[],
  largestUpload: number,
): number {
  return replies.reduce((sum, reply, index) => sum + bytesOf(items[index], reply, largestUpload), 0);
}

function bytesOf(item: NegotiateItem | undefined, reply: NegotiateReply, largestUpload: number): number {
  if (reply.status === 'found') return reply.size;
  if (reply.status !== 'upload_needed') return 0;
  const announced = item && 'size' in item ? item.size : undefined;
  // A word of a client must not put a token that others share into debt without measure.
  return Math.min(announced ?? largestUpload, largestUpload);
}
