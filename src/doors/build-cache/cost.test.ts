import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CacheKey } from '../../base/cache-key.ts';
import type { NegotiateItem, NegotiateReply } from '../../wire/negotiate.ts';
import { bytesHandedOut, requestsIn } from './cost.ts';

const hash = 'ab'.repeat(32) as CacheKey;
const LARGEST = 5000;

function upload(size?: number): NegotiateItem {
  return { hash, action: 'upload', size };
}
const download: NegotiateItem = { hash, action: 'download' };
const needed: NegotiateReply = { status: 'upload_needed', url: '/', method: 'PUT', headers: {} };
const found = (size: number): NegotiateReply => ({ status: 'found', url: '/', method: 'GET', size });

test('a batch counts as one request for every hundred items that it begins', () => {
  const counts = [1, 2, 99, 100, 101, 200, 1000].map((length) => requestsIn(Array(length).fill(download)));
  assert.deepEqual(counts, [1, 1, 1, 1, 2, 2, 10]);
});

test('a URL counts as what it lets pass: of a download the size found, of an upload the size announced', () => {
  const replace: NegotiateItem = { hash, action: 'replace', size: 20 };
  const items = [download, upload(70), { hash, action: 'verify' } as const, upload(0), replace];
  assert.equal(bytesHandedOut(items, [found(100), needed, found(5), needed, needed], LARGEST), 195);
});

test('an upload of a size that was not announced counts as the largest there is', () => {
  assert.equal(bytesHandedOut([upload()], [needed], LARGEST), LARGEST);
});

test('where no URL is handed out no bytes are counted', () => {
  const replies: NegotiateReply[] = [{ status: 'missing' }, { status: 'skipped' }, { status: 'forbidden' }];
  assert.equal(bytesHandedOut([download, upload(70), upload()], replies, LARGEST), 0);
});
