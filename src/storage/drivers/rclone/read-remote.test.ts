import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { parseObjectKey } from '../../object-key.ts';
import type { RcloneClient } from './rclone-client.ts';
import { RcloneRefusal } from './rclone-failure.ts';
import type { ReadyRemote } from './rclone-remote.ts';
import { readOnce } from './read-remote.ts';

const KEY = parseObjectKey('a/key');
const ITEM = { Name: 'key', Size: 4, ModTime: '2026-01-02T03:04:05Z', IsDir: false };

/** A remote whose object is that, and whose bytes come under these headers. */
function remote(
  item: typeof ITEM | null,
  body: string | RcloneRefusal,
  headers: Record<string, string> = {},
): ReadyRemote & { readonly body: Readable } {
  const reply = Object.assign(Readable.from([Buffer.from(String(body))]), { headers });
  const client: Pick<RcloneClient, 'call' | 'open'> = {
    call: async () => ({ item }),
    async open() {
      if (body instanceof RcloneRefusal) throw body;
      return reply as unknown as Awaited<ReturnType<RcloneClient['open']>>;
    },
  };
  const features = { isBucketBased: false, keepsTypes: false, hash: undefined };
  return { client: client as RcloneClient, fs: 'a:', features, body: reply };
}

test('a reply of the length that was looked up is the object, and a part of it the part', async () => {
  const whole = await readOnce(remote(ITEM, 'body', { 'content-length': '4' }), KEY, undefined, undefined);
  assert.ok(typeof whole === 'object');
  assert.equal(await text(whole.body), 'body');
  const headers = { 'content-length': '2', 'content-range': 'bytes 1-2/4' };
  const part = await readOnce(remote(ITEM, 'od', headers), KEY, { from: 1, to: 2 }, undefined);
  assert.ok(typeof part === 'object');
  assert.deepEqual(part.span, { first: 1, last: 2 });
});

test('bytes of another length than the object had are of another object, and are not given out', async () => {
  const longer = remote(ITEM, 'bodies', { 'content-length': '6' });
  assert.equal(await readOnce(longer, KEY, undefined, undefined), 'replaced');
  assert.ok(longer.body.destroyed);
  const partOfLonger = remote(ITEM, 'od', { 'content-length': '2', 'content-range': 'bytes 1-2/6' });
  assert.equal(await readOnce(partOfLonger, KEY, { from: 1, to: 2 }, undefined), 'replaced');
});

test('an object that is removed between the look and the reading is a miss', async () => {
  const gone = remote(ITEM, new RcloneRefusal(404, 'object not found'));
  assert.equal(await readOnce(gone, KEY, undefined, undefined), undefined);
  assert.equal(await readOnce(remote(null, ''), KEY, undefined, undefined), undefined);
});
