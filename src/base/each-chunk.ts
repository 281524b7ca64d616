import type { Readable } from 'node:stream';

/**
 * Hands on the chunks of a stream as they come; while `take` is at work on one, no other comes. Like `for await`, at a part
 * of its cost for each stream and each chunk, and a stream that is left in the middle stays its owner's: paused, not destroyed.
 * @param take answers a promise only where there is something to wait for
 * @throws what the stream fails with, that it broke off, and what `take` throws; not before `take` is done
 */
export function eachChunk(
  stream: Readable,
  take: (chunk: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isTaking = false;
    /** How it ends, once nothing is being taken. */
    let settle: (() => void) | undefined;
    const end = (how: () => void): void => {
      if (settle) return;
      settle = how;
      stream.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      if (!isTaking) how();
    };
    const onEnd = (): void => end(resolve);
    const onError = (error: unknown): void => {
      stream.pause();
      end(() => reject(error));
    };
    const onClose = (): void => onError(stream.errored ?? new Error('the stream broke off'));
    const onTaken = (): void => {
      isTaking = false;
      if (settle) settle();
      else stream.resume();
    };
    const onNotTaken = (error: unknown): void => {
      isTaking = false;
      settle = undefined;
      onError(error);
    };
    const onData = (chunk: Uint8Array): void => {
      try {
        const taken = take(chunk);
        if (taken === undefined) return;
        isTaking = true;
        stream.pause();
        taken.then(onTaken, onNotTaken);
      } catch (error) {
        onError(error);
      }
    };
    if (stream.readableEnded) resolve();
    else if (stream.destroyed) onClose();
    else stream.on('end', onEnd).on('error', onError).on('close', onClose).on('data', onData).resume();
  });
}
