import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heapBytes } from '../../../test/rig/heap-bytes.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { systemClock } from '../../base/clock.ts';
import { EVICTIONS, openEviction } from '../eviction/open-eviction.ts';
import { DiskEntries } from './disk-entries.ts';
import type { DiskEntry } from './disk-entry.ts';
import { EntryFiles } from './entry-files.ts';
import { OWN_LAYOUT } from './entry-layout.ts';

const ENTRIES = 50_000;

function* many(): Iterable<[string, DiskEntry]> {
  for (let i = 0; i < ENTRIES; i++) {
    const at = Date.now() + i;
    yield [
      OWN_LAYOUT.nameOf(`key ${i}`),
      { bodyBytes: i, recordBytes: 300, storedAt: at, lastUsedAt: at, uses: i % 20 },
    ];
  }
}

for (const name of EVICTIONS)
  test(`an entry takes less than 1 KiB of memory, with what ${name} knows of it`, async (t) => {
    await using folder = await openTempFolder();
    const entries = new DiskEntries({
      files: await EntryFiles.open(folder.path, systemClock),
      eviction: openEviction(name),
      clock: systemClock,
      maxBytes: Number.POSITIVE_INFINITY,
      maxEntries: Number.POSITIVE_INFINITY,
      maxAgeMs: Number.POSITIVE_INFINITY,
      onTrouble: () => {},
      onEvict: () => {},
    });
    const before = heapBytes();
    await entries.admitAll(many());
    const each = (heapBytes() - before) / ENTRIES;
    t.diagnostic(`${Math.round(each)} bytes`);
    assert.equal(entries.size, ENTRIES);
    assert.ok(each > 100 && each < 1024, `${each} bytes`);
  });
