import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Radosgw, radosgwAdmin, type S3Server } from './radosgw.ts';

/** Where the test run's one S3 server is announced to its test files, as JSON of `S3Server`. */
export const TEST_S3_VARIABLE = 'VELOCITY_TEST_S3';

export interface TestS3 extends AsyncDisposable {
  readonly server: S3Server;
  /** The environment with which the AWS credential chain finds the server's keys. */
  readonly env: Readonly<Record<string, string>>;
  /** A new, empty bucket. */
  makeBucket(): Promise<string>;
  /** An empty object of any name S3 takes. */
  putObject(bucket: string, name: string): Promise<void>;
  /** Settings of a gateway on a new, empty bucket, its keys among them. */
  gatewayEnv(): Promise<Record<string, string>>;
  /** A new user with one key and one empty bucket, whose key may be changed without troubling anybody else. */
  makeUser(): Promise<S3User>;
}

export interface S3User {
  readonly bucket: string;
  readonly env: Readonly<Record<string, string>>;
  /** The server knows this user's key no more. */
  removeKey(): Promise<void>;
  /** The server expects this secret for the user's key, or the first one again. */
  setSecret(secretAccessKey?: string): Promise<void>;
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
  const client = openClient(server);
  return {
    server,
    env: envOf(server),
    makeBucket: () => makeBucket(client),
    async putObject(bucket, name) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: Buffer.alloc(0) }));
    },
    gatewayEnv: async () => ({
      ...envOf(server),
      VC_STORAGE_DRIVER: 's3',
      VC_S3_ENDPOINT: server.endpoint,
      VC_S3_BUCKET: await makeBucket(client),
    }),
    makeUser: () => makeUser(server),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await dispose();
    },
  };
}

async function makeUser(server: S3Server): Promise<S3User> {
  const name = `test-${randomBytes(6).toString('hex')}`;
  const keys = { accessKeyId: `${name}-key`, secretAccessKey: randomBytes(24).toString('hex') };
  const admin = (...args: string[]): Promise<void> => radosgwAdmin(server.folder, ...args, `--uid=${name}`);
  const withKey = (secret: string): string[] => [
    `--access-key=${keys.accessKeyId}`,
    `--secret-key=${secret}`,
  ];
  await admin('user', 'create', `--display-name=${name}`, ...withKey(keys.secretAccessKey));
  const client = openClient({ ...server, ...keys });
  const bucket = await makeBucket(client).finally(() => client.destroy());
  return {
    bucket,
    env: envOf(keys),
    removeKey: () => admin('key', 'rm', '--key-type=s3', `--access-key=${keys.accessKeyId}`),
    setSecret: (secret = keys.secretAccessKey) => admin('key', 'create', '--key-type=s3', ...withKey(secret)),
  };
}

function openClient({ endpoint, region, accessKeyId, secretAccessKey }: S3Server): S3Client {
  return new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
}

async function makeBucket(client: S3Client): Promise<string> {
  const bucket = `test-${randomBytes(6).toString('hex')}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return bucket;
}

function envOf(keys: Pick<S3Server, 'accessKeyId' | 'secretAccessKey'>): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
}

/** Of the run's S3 server, for suites that are skipped where there is none. */
export function s3GatewayEnv(s3: TestS3 | { skip: string }): Promise<Record<string, string>> {
  if ('skip' in s3) throw new Error(s3.skip);
  return s3.gatewayEnv();
}
