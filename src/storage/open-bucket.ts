import { messageOf, VelocityError } from '../base/errors.ts';
import type { BucketSettings } from './bucket-settings.ts';
import { answering, patient, type StoreSurroundings } from './guarded.ts';
import { HedgedStore } from './hedged-store.ts';
import { LateStore } from './late-store.ts';
import { MeteredStore } from './metered-store.ts';
import type { ObjectKey } from './object-key.ts';
import { openDriver } from './open-driver.ts';
import type { ObjectStore } from './store.ts';
import { VerifiedStore } from './verified-store.ts';
import { WrappedStore } from './wrapped-store.ts';

/**
 * One named store, measured and guarded for itself: in metrics and messages its driver is called `s3:media`. It may
 * belong to others, so nothing is written to try it, and what is found damaged is not given out but left where it is.
 * One that does not answer is warned of; its calls fail until it does.
 * @throws VelocityError `DRIVER_UNAVAILABLE` for settings that cannot be
 */
export async function openBucket(
  name: string,
  settings: BucketSettings,
  around: StoreSurroundings,
): Promise<ObjectStore> {
  const { clock, metrics } = around;
  const logger = around.logger.child({ store: name });
  const driver = `${settings.type}:${name}`;
  const report = (reason: string) => (key: ObjectKey) => {
    metrics.damaged.inc({ driver, reason });
    logger.warn({ key, reason }, 'a damaged object was found; it reads as a miss');
  };
  const open = (): Promise<ObjectStore> =>
    openDriver(settings, {
      clock,
      onDamaged: report('torn'),
      named: (setting) => `stores.${name}.${setting}`,
      probes: 'reads',
    });
  const isLocal = settings.type === 'local';
  const opened = isLocal ? new LateStore(LOCAL, open) : await open();
  const labelled = new LabelledStore(opened, driver);
  const metered = new MeteredStore(hedging(labelled, settings, around), metrics, clock);
  const store = isLocal ? metered : patient(answering(metered, clock), { logger, metrics, clock });
  try {
    await store.probe();
  } catch (error) {
    if (!(error instanceof VelocityError)) {
      await store.close();
      throw error;
    }
    logger.warn({ reason: messageOf(error) }, 'a store cannot be used now; its requests fail until it can');
  }
  return new VerifiedStore(store, report('digest-mismatch'), 'kept');
}

/**
 * Directly over the driver: to all that is above, two requests are one call, with one time limit, one latency and one
 * outcome. So the request that loses counts as no failure, what is learned of latencies has no pauses of retries in it,
 * and a try that fails in both requests is one failure to the circuit breaker.
 */
function hedging(
  store: ObjectStore,
  settings: BucketSettings,
  { clock, metrics }: StoreSurroundings,
): ObjectStore {
  if (settings.type === 'local' || settings.hedgeQuantile === undefined) return store;
  const { driver } = store;
  return new HedgedStore(store, {
    quantile: settings.hedgeQuantile,
    clock,
    onHedge: (outcome) => metrics.hedges.inc({ driver, outcome }),
  });
}

/** What is true of local files before they can be opened. */
const LOCAL = { driver: 'local', capabilities: { conditionalPut: true, presign: 'none' } } as const;

/** Told apart from others of the same driver. */
class LabelledStore extends WrappedStore {
  override readonly driver: string;

  constructor(below: ObjectStore, driver: string) {
    super(below);
    this.driver = driver;
  }
}
