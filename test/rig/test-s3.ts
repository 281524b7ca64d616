import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Radosgw, type S3Server } from './radosgw.ts';

/** Where the test run's one S3 server is announced to its test files, as JSON of `S3Server`. */
export const TEST_S3_VARIABLE = 'VELOCITY_TEST_S3';

export interface TestS3 extends AsyncDisposable {
  readonly server: S3Server;
  /** The environment with which the AWS credential chain finds the server's keys. */
  readonly env: Readonly<Record<string, string>>;
  /** A new, empty bucket. */
  makeBucket(): Promise<string>;
}

/** The run's S3 server, or one of this file's own where the file runs alone. */
export async function openTestS3(): Promise<TestS3 | { skip: string }> {
  const announced = process.env[TEST_S3_VARIABLE];
  if (announced?.startsWith('skip')) return { skip: announced };
  if (announced) return asTestS3(JSON.parse(announced) as S3Server, async () => {});
  const own = await Radosgw.start();
  return 'skip' in own ? own : asTestS3(own.server, () => own[Symbol.asyncDispose]());
}

function asTestS3(server: S3Server, dispose: () => Promise<void>): TestS3 {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  return {
    server,
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    async makeBucket() {
      const bucket = `test-${randomBytes(6).toString('hex')}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      return bucket;
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await dispose();
    },
  };
}
