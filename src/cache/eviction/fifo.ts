import { OneQueue } from './one-queue.ts';

/** First in, first out. Asking for a key does not keep it, and costs next to nothing. */
export class Fifo extends OneQueue {
  touch(_key: string): void {}
}
