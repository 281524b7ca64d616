import { unreachable } from '../../base/unreachable.ts';
import type { Eviction } from './eviction.ts';
import { Fifo } from './fifo.ts';
import { Lfu } from './lfu.ts';
import { Lru } from './lru.ts';
import { S3Fifo } from './s3-fifo.ts';

/** As settings name them. */
export const EVICTIONS = ['lru', 'lfu', 'fifo', 's3-fifo'] as const;
export type EvictionName = (typeof EVICTIONS)[number];

export function openEviction(name: EvictionName): Eviction {
  switch (name) {
    case 'lru':
      return new Lru();
    case 'lfu':
      return new Lfu();
    case 'fifo':
      return new Fifo();
    case 's3-fifo':
      return new S3Fifo();
    default:
      return unreachable(name);
  }
}
