import type { Readable } from 'node:stream';

/** Whatever may end the waiting. */
const EVENTS = ['readable', 'end', 'close', 'error'];

/**
 * The first bytes of a body, fewer where it ends before. They stay in it: whoever reads it next gets all of it.
 * Nothing of a body that breaks off first; its next reader hears of that.
 */
export function peek(body: Readable, length: number): Promise<Buffer> {
  body.on('error', () => {}); // it may come between this and the next reader, who finds the body destroyed
  return new Promise((resolve) => {
    // The listeners stay until it is over: one that is added anew is told at once of what was too little before.
    const look = (): void => {
      const head = body.read(length) as Buffer | null;
      if (head === null && !body.readableEnded && !body.destroyed) return;
      for (const event of EVENTS) body.off(event, look);
      if (head !== null) body.unshift(head);
      resolve(head ?? Buffer.alloc(0));
    };
    for (const event of EVENTS) body.on(event, look);
    look();
  });
}
