import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { S3Store } from '../../src/storage/drivers/s3/s3-store.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { ManualClock } from '../rig/manual-clock.ts';
import { openTestS3 } from '../rig/test-s3.ts';
import { describeObjectStore } from './object-store.ts';

const s3 = await openTestS3();
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));
if (!('skip' in s3)) Object.assign(process.env, s3.env);

describeObjectStore(
  's3 on Ceph radosgw',
  async () => {
    if ('skip' in s3) throw new Error(s3.skip);
    const { endpoint, region } = s3.server;
    const store = new S3Store({ bucket: await s3.makeBucket(), region, endpoint, pathStyle: true });
    return { store, [Symbol.asyncDispose]: () => store.close() };
  },
  { skip: 'skip' in s3 ? s3.skip : undefined, raceRounds: 20, presigns: true },
);

test('a presigned URL is refused once it has expired', { skip: 'skip' in s3 ? s3.skip : false }, async () => {
  assert.ok(!('skip' in s3));
  const { endpoint, region } = s3.server;
  const clock = new ManualClock(Date.now() - 3_600_000);
  const store = new S3Store({ bucket: await s3.makeBucket(), region, endpoint, pathStyle: true, clock });
  const key = parseObjectKey('expired');
  await store.put(key, Buffer.from('x'), { ifAbsent: true });
  for (const method of ['GET', 'PUT'] as const) {
    const signed = await store.presign(key, { method, ttlSeconds: 60, ifAbsent: true });
    const body = method === 'PUT' ? 'y' : null;
    const reply = await fetch(signed.url, { method, headers: signed.headers, body });
    assert.equal(reply.status, 403);
  }
  clock.advance(3_600_000);
  const { url } = await store.presign(key, { method: 'GET', ttlSeconds: 60 });
  assert.equal(await (await fetch(url)).text(), 'x');
  await store.close();
});
