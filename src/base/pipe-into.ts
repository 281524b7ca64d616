import type { Readable, Writable } from 'node:stream';

/**
 * Pipes like `pipeline`, but leaves the source to its owner: a target that fails stops
 * reading and does not destroy the source. (Destroying a request's body closes its
 * connection, and with it the way to answer.) A source that fails or breaks off fails the target.
 */
export function pipeInto<T extends Writable>(source: Readable, target: T): T {
  const onClose = (): void => {
    if (!source.readableEnded) target.destroy(source.errored ?? new Error('the body broke off'));
  };
  // Whoever reads the target hears of its failure; until somebody does, it must not end the process.
  target.on('error', () => {});
  source.once('error', (error) => target.destroy(error));
  source.once('close', onClose);
  if (source.destroyed) onClose(); // its events may have passed already
  target.once('close', () => source.unpipe(target));
  source.pipe(target);
  return target;
}
