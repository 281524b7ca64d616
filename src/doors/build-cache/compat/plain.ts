import type { DeletionRecord } from './deletion.ts';
import { keyValue } from './key-value.ts';
import type { Protocol } from './protocol.ts';

/**
 * For whoever has curl: `/kv/{any path}`. Failures have the statuses of HTTP. 201: stored; 200: it was there, the first
 * write won and this one was dropped.
 */
export function plain(record: DeletionRecord): Protocol {
  return keyValue(
    {
      name: 'kv',
      keysLookLike: 'a key: letters, digits and . _ @ + ~ = , - in parts of at most 128, parted by slashes',
      put: { stored: 201, exists: 200 },
    },
    record,
  );
}
