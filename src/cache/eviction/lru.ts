import { OneQueue } from './one-queue.ts';

/** Least recently used goes first. A scan of keys that are used once pushes all others out. */
export class Lru extends OneQueue {
  touch(key: string): void {
    this.renew(key);
  }
}
