import type { Clock } from '../base/clock.ts';
import { VelocityError } from '../base/errors.ts';
import { unreachable } from '../base/unreachable.ts';
import type { Logger } from '../telemetry/logger.ts';
import { CircuitBreakerStore } from './circuit-breaker-store.ts';
import { withFirstWrites } from './first-writes.ts';
import { MeteredStore } from './metered-store.ts';
import type { StorageMetrics } from './metrics.ts';
import type { ObjectKey } from './object-key.ts';
import { RetryingStore } from './retrying-store.ts';
import type { StorageSettings } from './settings.ts';
import type { ObjectStore } from './store.ts';
import { TimeoutStore, type Timeouts } from './timeout-store.ts';
import { VerifiedStore } from './verified-store.ts';

export interface StoreSurroundings {
  readonly logger: Logger;
  readonly metrics: StorageMetrics;
  readonly clock: Clock;
}

/**
 * The configured driver, probed, measured and guarded. A driver's code is loaded only when it is chosen.
 * @throws VelocityError `DRIVER_UNAVAILABLE` for a choice that cannot be, `STORAGE_*` from the driver.
 */
export async function openStore(settings: StorageSettings, around: StoreSurroundings): Promise<ObjectStore> {
  const report = (reason: string) => (key: ObjectKey) => {
    around.metrics.damaged.inc({ driver: settings.storageDriver, reason });
    around.logger.warn({ key, reason }, 'a damaged object was removed; it reads as a miss');
  };
  const driver = new MeteredStore(
    await openDriver(settings, around.clock, report('torn')),
    around.metrics,
    around.clock,
  );
  try {
    const answering =
      settings.storageDriver === 'local' ? driver : new TimeoutStore(driver, TIMEOUTS, around.clock);
    await answering.probe();
    const store =
      settings.storageDriver === 'local'
        ? answering
        : patient(await trying(answering, settings, around), around);
    return new VerifiedStore(store, report('digest-mismatch'));
  } catch (error) {
    await driver.close();
    throw error;
  }
}

/**
 * The configured driver alone, for an operator's work on it: nothing is tried on it first, and nothing is made
 * where there is no store.
 * @throws VelocityError `DRIVER_UNAVAILABLE`, `STORAGE_UNAVAILABLE`
 */
export async function openExistingStore(
  settings: StorageSettings,
  clock: Clock,
  onDamaged: (key: ObjectKey) => void,
): Promise<ObjectStore> {
  const { storageDriver, localRoot } = settings;
  if (storageDriver === 'local') {
    const { LocalStore } = await import('./drivers/local/local-store.ts');
    if (!LocalStore.isAt(localRoot)) {
      throw new VelocityError(
        'STORAGE_UNAVAILABLE',
        `There is no store in ${localRoot}. Set VC_LOCAL_ROOT (or --local-root) to that of the server, or choose another driver.`,
      );
    }
  }
  const driver = await openDriver(settings, clock, onDamaged);
  return storageDriver === 'local' ? driver : new TimeoutStore(driver, TIMEOUTS, clock);
}

/**
 * Not for local files: there `link(2)` decides, which their probe has tried. Writing besides would keep a gateway
 * from starting on a full disk, whose artifacts it can still give out.
 */
function trying(
  store: ObjectStore,
  settings: StorageSettings,
  { logger }: StoreSurroundings,
): Promise<ObjectStore> {
  return withFirstWrites(store, {
    allowRace: settings.allowOverwriteRace,
    warn: (message) => logger.warn(message),
  });
}

const TIMEOUTS: Timeouts = { answerMs: 10_000, stallMs: 60_000 };
const RETRIES = { attempts: 3, pauseMs: 200, deadlineMs: 15_000 };
const BREAKER = { failures: 5, openMs: 5_000 };

/** For a backend behind a network: what fails is tried again, what goes on failing is left alone for a while. */
function patient(store: ObjectStore, { clock, metrics, logger }: StoreSurroundings): ObjectStore {
  const { driver } = store;
  metrics.circuitOpen.set({ driver }, 0);
  const retrying = new RetryingStore(store, {
    ...RETRIES,
    clock,
    onRetry: (operation) => metrics.retries.inc({ driver, operation }),
  });
  return new CircuitBreakerStore(retrying, {
    ...BREAKER,
    clock,
    onChange: (state) => {
      metrics.circuitOpen.set({ driver }, state === 'open' ? 1 : 0);
      if (state === 'open') logger.error('the storage does not answer; it is left alone for a moment');
      else logger.info('the storage answers again');
    },
  });
}

async function openDriver(
  settings: StorageSettings,
  clock: Clock,
  onDamaged: (key: ObjectKey) => void,
): Promise<ObjectStore> {
  switch (settings.storageDriver) {
    case 'local': {
      const { LocalStore } = await import('./drivers/local/local-store.ts');
      return LocalStore.open({ root: settings.localRoot, fsync: settings.localFsync, clock, onDamaged });
    }
    case 's3': {
      if (settings.s3Bucket === undefined) {
        throw new VelocityError('DRIVER_UNAVAILABLE', 'The s3 driver needs a bucket: set VC_S3_BUCKET.');
      }
      const { S3Store } = await import('./drivers/s3/s3-store.ts');
      return new S3Store({
        bucket: settings.s3Bucket,
        region: settings.s3Region,
        endpoint: settings.s3Endpoint,
        pathStyle: settings.s3PathStyle ?? settings.s3Endpoint !== undefined,
        clock,
      });
    }
    case 'gcs': {
      if (settings.gcsBucket === undefined) {
        throw new VelocityError('DRIVER_UNAVAILABLE', 'The gcs driver needs a bucket: set VC_GCS_BUCKET.');
      }
      const { GcsStore } = await import('./drivers/gcs/gcs-store.ts');
      return new GcsStore({ bucket: settings.gcsBucket, endpoint: settings.gcsEndpoint, clock });
    }
    case 'azure': {
      const { azureAccess } = await import('./drivers/azure/azure-credentials.ts');
      const { AzureStore } = await import('./drivers/azure/azure-store.ts');
      return new AzureStore({ ...(await azureAccess(settings)), clock });
    }
    default:
      return unreachable(settings.storageDriver);
  }
}
