import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetObjectCommand, PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { digestOf } from '../../../base/digest.ts';
import { parseObjectKey } from '../../object-key.ts';
import type { PresignRequest } from '../../store.ts';
import { S3Presigner } from './s3-presigner.ts';

const NOW = Date.parse('2026-03-01T12:34:56Z');
const BUCKET = 'acme-build-cache';
const BODY = Buffer.from('0123456789');
const UPLOAD: PresignRequest = {
  method: 'PUT',
  ttlSeconds: 300,
  ifAbsent: true,
  sizeBytes: BODY.length,
  digest: digestOf(BODY),
  metadata: { writer: 'ci.main', claims: '{"ref":"refs/heads/main"}' },
};

const CREDENTIALS = {
  'a key pair': { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG' },
  'a role’s session': { accessKeyId: 'ASIA', secretAccessKey: 'x', sessionToken: 'a+session/token==' },
};
const PLACES = {
  AWS: { region: 'eu-central-1' },
  'AWS in path style': { region: 'us-east-1', forcePathStyle: true },
  'a server with a port': { region: 'us-east-1', endpoint: 'http://127.0.0.1:9000', forcePathStyle: true },
  'a server with a path': { region: 'x', endpoint: 'https://files.test/s3/', forcePathStyle: true },
};

for (const [whose, credentials] of Object.entries(CREDENTIALS)) {
  for (const [where, place] of Object.entries(PLACES)) {
    test(`a URL for ${where}, signed with ${whose}, is the one the whole SDK makes`, async () => {
      const client = sdkClient({ ...place, credentials });
      const presigner = new S3Presigner(client, BUCKET, new ManualClock(NOW));
      for (const key of ['objects/abc', "a b/ü+!*'()/&=?#%/~_-."]) {
        for (const request of [{ method: 'GET', ttlSeconds: 60 } as const, UPLOAD]) {
          const ours = await presigner.presign(parseObjectKey(key), request);
          assert.deepEqual(partsOf(ours.url), partsOf(await sdkUrl(client, key, request)));
        }
      }
    });
  }
}

test('an upload’s URL binds condition, length, digest and metadata, and names the headers to send', async () => {
  const client = new S3Client({ ...PLACES.AWS, credentials: CREDENTIALS['a key pair'] });
  const presigner = new S3Presigner(client, BUCKET, new ManualClock(NOW));
  const { url, headers, method } = await presigner.presign(parseObjectKey('objects/abc'), UPLOAD);
  assert.equal(method, 'PUT');
  assert.deepEqual(headers, {
    'if-none-match': '*',
    'content-length': '10',
    'x-amz-meta-writer': 'ci.main',
    'x-amz-meta-claims': '{"ref":"refs/heads/main"}',
    'x-amz-meta-sha256': UPLOAD.digest,
    'x-amz-checksum-sha256': Buffer.from(UPLOAD.digest ?? '', 'hex').toString('base64'),
  });
  const bound = new URL(url).searchParams.get('X-Amz-SignedHeaders')?.split(';');
  assert.deepEqual(bound, ['host', ...Object.keys(headers)].sort());
});

test('URLs are signed with the credentials of the moment', async () => {
  let accessKeyId = 'FIRST';
  const credentials = async () => ({ accessKeyId, secretAccessKey: 'x', expiration: new Date(0) });
  const client = new S3Client({ ...PLACES.AWS, credentials });
  const presigner = new S3Presigner(client, BUCKET, new ManualClock(NOW));
  const signedBy = async () => {
    const { url } = await presigner.presign(parseObjectKey('a'), { method: 'GET', ttlSeconds: 60 });
    return new URL(url).searchParams.get('X-Amz-Credential')?.split('/')[0];
  };
  assert.equal(await signedBy(), 'FIRST');
  accessKeyId = 'SECOND';
  assert.equal(await signedBy(), 'SECOND');
});

/** Set as the store sets it, and without `x-id`, which names the command for readers of access logs. */
function sdkClient(options: S3ClientConfig): S3Client {
  const client = new S3Client({
    ...options,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  client.middlewareStack.add(
    (next) => (args) => {
      const { query } = args.request as { query: Record<string, unknown> };
      delete query['x-id'];
      return next(args);
    },
    { step: 'build', priority: 'low' },
  );
  return client;
}

/** What the SDK's own road, from command to URL, makes of the same request. */
function sdkUrl(client: S3Client, key: string, request: PresignRequest): Promise<string> {
  const { method, sizeBytes, digest = '', metadata = {}, ttlSeconds } = request;
  const object = { Bucket: BUCKET, Key: key };
  const options = {
    signingDate: new Date(NOW),
    expiresIn: ttlSeconds,
    unhoistableHeaders: new Set([
      'x-amz-checksum-sha256',
      ...['sha256', ...Object.keys(metadata)].map((name) => `x-amz-meta-${name}`),
    ]),
  };
  if (method === 'GET') return getSignedUrl(client, new GetObjectCommand(object), options);
  const upload = new PutObjectCommand({
    ...object,
    IfNoneMatch: '*',
    ContentLength: sizeBytes,
    Metadata: { ...metadata, sha256: digest },
    ChecksumSHA256: Buffer.from(digest, 'hex').toString('base64'),
  });
  return getSignedUrl(client, upload, options);
}

/** The parts letter for letter; only the order of the parameters is free, as the signature sorts them. */
function partsOf(url: string): string[] {
  const [address = '', query = ''] = url.split('?');
  return [address, ...query.split('&').sort()];
}
