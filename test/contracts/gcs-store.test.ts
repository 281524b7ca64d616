import { after } from 'node:test';
import { GcsStore } from '../../src/storage/drivers/gcs/gcs-store.ts';
import { GcsServer } from '../rig/gcs-server/gcs-server.ts';
import { ManualClock } from '../rig/manual-clock.ts';
import { describeObjectStore } from './object-store.ts';

const gcs = await GcsServer.start();
after(() => gcs[Symbol.asyncDispose]());
Object.assign(process.env, await gcs.keyEnv());

describeObjectStore(
  'gcs on the test server',
  async () => {
    const clock = new ManualClock(Date.now());
    const store = new GcsStore({ bucket: gcs.makeBucket(), endpoint: gcs.url, clock });
    return { store, clock, [Symbol.asyncDispose]: () => store.close() };
  },
  { raceRounds: 20, presign: 'exact' },
);
