import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Storage } from '@google-cloud/storage';
import { TestIdentity } from '../../../../test/rig/gcs-server/identity.ts';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { openTempFolder, type TempFolder } from '../../../../test/rig/temp-folder.ts';
import { digestOf } from '../../../base/digest.ts';
import { parseObjectKey } from '../../object-key.ts';
import type { PresignRequest } from '../../store.ts';
import { GcsClient } from './gcs-client.ts';
import { GcsPresigner } from './gcs-presigner.ts';

const BUCKET = 'some-bucket_1.example';

let folder: TempFolder;
before(async () => {
  folder = await openTempFolder();
  process.env['GOOGLE_APPLICATION_CREDENTIALS'] = await new TestIdentity().writeKeyFile(folder.path);
});
after(() => folder[Symbol.asyncDispose]());

test('URLs are, letter for letter, those of the vendor’s signer', async () => {
  const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
  const presigner = new GcsPresigner(new GcsClient(undefined, clock), BUCKET, clock, undefined);
  const storage = new Storage();
  const put: PresignRequest = {
    method: 'PUT',
    ttlSeconds: 300,
    ifAbsent: true,
    sizeBytes: 0,
    digest: digestOf(''),
  };
  const requests: PresignRequest[] = [
    { method: 'GET', ttlSeconds: 60 },
    put,
    { ...put, sizeBytes: 5 * 1024 ** 3, ifAbsent: false },
    { method: 'PUT', ttlSeconds: 604_800 },
  ];
  const keys = [
    'a',
    'a/b/c',
    "odd ünï+%41'(x)*!",
    '日本語/キー',
    '🚀?#&=;:@$,',
    '.hidden/..x',
    'k'.repeat(1024),
  ];
  for (const key of keys.map(parseObjectKey)) {
    for (const request of requests) {
      const ours = await presigner.presign(key, request);
      const [theirs] = await storage
        .bucket(BUCKET)
        .file(key)
        .getSignedUrl({
          version: 'v4',
          action: request.method === 'GET' ? 'read' : 'write',
          accessibleAt: clock.now(),
          expires: clock.now() + request.ttlSeconds * 1000,
          extensionHeaders: { ...ours.headers },
        });
      assert.equal(ours.url, theirs);
    }
  }
});

test('a PUT signs condition, length and digest, a GET nothing but the host', async () => {
  const clock = new ManualClock();
  const presigner = new GcsPresigner(new GcsClient(undefined, clock), BUCKET, clock, undefined);
  const key = parseObjectKey('k');
  const digest = digestOf('x');
  const put = await presigner.presign(key, {
    method: 'PUT',
    ttlSeconds: 60,
    ifAbsent: true,
    sizeBytes: 1,
    digest,
  });
  assert.deepEqual(put.headers, {
    'x-goog-if-generation-match': '0',
    'x-goog-content-length-range': '1,1',
    'x-goog-meta-sha256': digest,
  });
  assert.equal(signedNames(put.url), ['host', ...Object.keys(put.headers)].sort().join(';'));
  const get = await presigner.presign(key, { method: 'GET', ttlSeconds: 60 });
  assert.deepEqual(get.headers, {});
  assert.equal(signedNames(get.url), 'host');
});

function signedNames(url: string): string | null {
  return new URL(url).searchParams.get('X-Goog-SignedHeaders');
}
