/**
 * The Maven build cache extension: `/maven/v1.2/{group}/{artifact}/{checksum}/{file}`, and reports with a build's id in
 * place of the checksum. https://maven.apache.org/extensions/maven-build-cache-extension/remote-cache.html
 */
import type { DeletionRecord } from './deletion.ts';
import { keyValue } from './key-value.ts';
import type { Protocol } from './protocol.ts';

/**
 * Not write-once: Maven puts the same address again by right, a rebuild's `buildinfo.xml` after its files, and a first
 * one kept would not fit them. Whoever writes a scope therefore replaces what others wrote there, and its readers take
 * what was written last; nobody replaces anything in another scope. So no token that writes `main` may be in the hands
 * of a build that is not trusted, which for the other protocols is as true, but there what `main` holds already stays.
 *
 * Failures have the statuses of HTTP: Maven takes those of a read for a miss, unless it is told to `failFast`, and logs
 * those of a write.
 */
export function maven(record: DeletionRecord): Protocol {
  return keyValue(
    {
      name: 'maven',
      keys: /(^|\/)v\d+(\.\d+)*\/[^/]+\/[^/]+\/[^/]+\/[^/]+$/,
      keysLookLike: 'v1.2/{group}/{artifact}/{checksum}/{file}',
      put: { stored: 201, exists: 200 },
      replaces: true,
    },
    record,
  );
}
