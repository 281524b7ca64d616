import { after } from 'node:test';
import { S3Store } from '../../src/storage/drivers/s3/s3-store.ts';
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
    const clock = new ManualClock(Date.now());
    const bucket = await s3.makeBucket();
    const store = new S3Store({ bucket, region, endpoint, pathStyle: true, clock });
    const putForeign = (name: string): Promise<void> => s3.putObject(bucket, name);
    return { store, clock, putForeign, [Symbol.asyncDispose]: () => store.close() };
  },
  { skip: 'skip' in s3 ? s3.skip : undefined, raceRounds: 20, presign: 'exact' },
);
