import { systemClock } from '../../src/base/clock.ts';
import { CircuitBreakerStore } from '../../src/storage/circuit-breaker-store.ts';
import { LocalStore } from '../../src/storage/drivers/local/local-store.ts';
import { FailoverStore } from '../../src/storage/failover-store.ts';
import { HedgedStore } from '../../src/storage/hedged-store.ts';
import { RetryingStore } from '../../src/storage/retrying-store.ts';
import { TimeoutStore } from '../../src/storage/timeout-store.ts';
import { VerifiedStore } from '../../src/storage/verified-store.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { describeObjectStore, type StoreUnderTest } from './object-store.ts';

async function openLocal(fsync: boolean): Promise<StoreUnderTest & { store: LocalStore }> {
  const folder = await openTempFolder();
  const store = await LocalStore.open({ root: folder.path, fsync });
  return { store, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

describeObjectStore('local', () => openLocal(false), { raceRounds: 20, presign: 'none' });
describeObjectStore('local with fsync', () => openLocal(true), { raceRounds: 2, presign: 'none' });
describeObjectStore(
  'verified over local',
  async () => {
    const local = await openLocal(false);
    return {
      ...local,
      store: new VerifiedStore(local.store, () => {}),
      [Symbol.asyncDispose]: local[Symbol.asyncDispose],
    };
  },
  { raceRounds: 5, presign: 'none' },
);
describeObjectStore(
  'local behind every wrapper of a network store',
  async () => {
    const local = await openLocal(false);
    const timed = new TimeoutStore(local.store, { answerMs: 10_000, stallMs: 10_000 }, systemClock);
    const retrying = new RetryingStore(timed, {
      attempts: 3,
      pauseMs: 10,
      deadlineMs: 10_000,
      clock: systemClock,
    });
    const store = new CircuitBreakerStore(retrying, { failures: 5, openMs: 1_000, clock: systemClock });
    return { store, [Symbol.asyncDispose]: local[Symbol.asyncDispose] };
  },
  { raceRounds: 5, presign: 'none' },
);
describeObjectStore(
  'hedged over local',
  async () => {
    const local = await openLocal(false);
    const store = new HedgedStore(local.store, { quantile: 0, clock: systemClock });
    return { store, [Symbol.asyncDispose]: local[Symbol.asyncDispose] };
  },
  { raceRounds: 5, presign: 'none' },
);
describeObjectStore(
  'failover over two local ones',
  async () => {
    const [first, second] = [await openLocal(false), await openLocal(false)];
    return {
      store: new FailoverStore(first.store, [second.store], { clock: systemClock }),
      async [Symbol.asyncDispose]() {
        await first[Symbol.asyncDispose]();
        await second[Symbol.asyncDispose]();
      },
    };
  },
  { raceRounds: 5, presign: 'none' },
);
