import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { holds, load, loadStream, openDiskTier, SlowDiskClock } from '../../../test/rig/opened-disk-tier.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { EVICTIONS, openEviction } from '../eviction/open-eviction.ts';

const AGE_MS = 10_000;
const MAX_BYTES = 700_000;
const MAX_ENTRIES = 5;

const step = fc.record({
  what: fc.constantFrom('write', 'write', 'write', 'abort', 'read', 'read', 'delete', 'wait', 'reopen'),
  key: fc.constantFrom('a', 'b', 'c', 'dd', 'eee', 'f'.repeat(3000), 'g', 'h'),
  bytes: fc.oneof(fc.nat(2_000), fc.nat(300_000), fc.constant(262_144)),
});

for (const name of EVICTIONS)
  test(`whatever is done, with ${name} it gives out what was stored last or nothing, and keeps its limits`, async () => {
    const run = fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, isSlow) => {
      await using folder = await openTempFolder();
      const clock = isSlow ? new SlowDiskClock() : new ManualClock();
      const open = () =>
        openDiskTier(folder.path, {
          clock,
          maxAgeMs: AGE_MS,
          maxBytes: MAX_BYTES,
          maxEntries: MAX_ENTRIES,
          eviction: openEviction(name),
        });
      let opened = await open();
      /** What may be there: everything that was stored and not deleted, until its time is over. */
      const model = new Map<string, { body: Buffer; type: string; until: number }>();
      for (const [i, { what, key, bytes }] of steps.entries()) {
        const { tier } = opened;
        if (what === 'wait') clock.advance(bytes % 6_000);
        if (what === 'delete') {
          await tier.delete(key);
          model.delete(key);
        }
        if (what === 'reopen') {
          const held = [...model.keys()].filter((each) => holds(tier, each));
          const { bytes: bytesBefore } = tier;
          await tier.close();
          opened = await open();
          assert.deepEqual(
            [...model.keys()].filter((each) => holds(opened.tier, each)),
            held,
          );
          assert.ok(opened.tier.bytes <= bytesBefore);
        }
        if (what === 'write' || what === 'abort') {
          const body = Buffer.alloc(bytes, `${i} `);
          const writing = await tier.write(key, { type: `type ${i}` }, bytes);
          assert.ok(writing, 'nothing else is being written');
          await writing.append(body.subarray(0, bytes / 2));
          await writing.append(body.subarray(bytes / 2));
          if (what === 'abort') await writing.abort();
          else {
            assert.ok(await writing.commit());
            assert.ok(holds(tier, key));
            model.set(key, { body, type: `type ${i}`, until: clock.now() + AGE_MS });
          }
        }
        const expected = model.get(key);
        const had = holds(opened.tier, key);
        using reading = await opened.tier.read(key);
        assert.equal(reading !== undefined, had);
        if (reading !== undefined) {
          assert.equal(reading.meta.type, expected?.type);
          assert.ok(clock.now() < (expected?.until ?? 0));
          const got = await (i % 2 === 0 ? load : loadStream)(opened.tier, key);
          assert.ok(got?.equals(expected?.body ?? Buffer.alloc(0)));
        }
        assert.ok(opened.tier.bytes <= MAX_BYTES && opened.tier.size <= MAX_ENTRIES);
        assert.deepEqual(opened.troubles, []);
      }
      for (const key of model.keys()) await opened.tier.delete(key);
      assert.deepEqual([opened.tier.bytes, opened.tier.size], [0, 0]);
      await opened.tier.close();
    });
    await fc.assert(run, { numRuns: 40 });
  });
