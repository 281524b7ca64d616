import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { StubStore } from '../../test/rig/stub-store.ts';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { LocalStore } from '../storage/drivers/local/local-store.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import { openLogger } from '../telemetry/logger.ts';
import { sweepUploads } from './sweep-uploads.ts';

const HOUR_MS = 3600_000;

test('parts of uploads go a day after they came, entries stay', async () => {
  await using folder = await openTempFolder();
  const clock = new ManualClock(Date.now());
  const logger = openLogger('silent');
  const store = await LocalStore.open({ root: folder.path, clock });
  const put = (key: string): Promise<unknown> =>
    store.put(parseObjectKey(key), Buffer.from('x'), { ifAbsent: true });
  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of store.list({ prefix: '' })) found.push(key);
    return found;
  };
  await put('uploads/default/main/e/blocks/1/a');
  await put('objects/old');
  clock.advance(23 * HOUR_MS);
  await put('uploads/default/main/e/blocks/2/a');
  await sweepUploads(store, { clock, logger });
  assert.equal((await keys()).length, 3);
  clock.advance(HOUR_MS);
  await sweepUploads(store, { clock, logger });
  assert.deepEqual(await keys(), ['objects/old', 'uploads/default/main/e/blocks/2/a']);
});

test('a storage that cannot be listed is logged, and nothing is thrown', async () => {
  const log: Record<string, unknown>[] = [];
  const logger = openLogger('info', { write: (line) => void log.push(JSON.parse(line)) });
  const store = new StubStore();
  store.list = async function* () {
    yield* [];
    throw new Error('no');
  };
  await sweepUploads(store, { clock: new ManualClock(0), logger });
  assert.equal(log[0]?.['reason'], 'no');
});
