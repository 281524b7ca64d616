import { setImmediate } from 'node:timers/promises';

/** Some milliseconds of look-ups, where each is answered at once. */
const ITEMS_IN_A_ROW = 64;

/**
 * Works on the items, at most `width` at a time; results in the items' order.
 * The first failure is thrown once what had begun is done; nothing new begins after it.
 * Work that is done at once holds nobody else up: now and then all that waits in this process has its turn.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const queue = items.entries();
  let first: { readonly failure: unknown } | undefined;
  let othersTurn: Promise<void> | undefined;
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (index > 0 && index % ITEMS_IN_A_ROW === 0) othersTurn = setImmediate();
      if (othersTurn) await othersTurn;
      if (first) return;
      try {
        results[index] = await work(item, index);
      } catch (error) {
        first ??= { failure: error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(Math.max(1, width), items.length) }, lane));
  if (first) throw first.failure;
  return results;
}
