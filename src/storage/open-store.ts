import type { Clock } from '../base/clock.ts';
import { VelocityError } from '../base/errors.ts';
import { unreachable } from '../base/unreachable.ts';
import { withFirstWrites } from './first-writes.ts';
import { answering, patient, type StoreSurroundings } from './guarded.ts';
import { MeteredStore } from './metered-store.ts';
import type { ObjectKey } from './object-key.ts';
import { type DriverSettings, openDriver } from './open-driver.ts';
import type { StorageSettings } from './settings.ts';
import type { ObjectStore } from './store.ts';
import { VerifiedStore } from './verified-store.ts';

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
    await openConfigured(settings, around.clock, report('torn')),
    around.metrics,
    around.clock,
  );
  try {
    const isLocal = settings.storageDriver === 'local';
    const timed = isLocal ? driver : answering(driver, around.clock);
    await timed.probe();
    const store = isLocal ? timed : patient(await trying(timed, settings, around), around);
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
  const driver = await openConfigured(settings, clock, onDamaged);
  return storageDriver === 'local' ? driver : answering(driver, clock);
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

function openConfigured(
  settings: StorageSettings,
  clock: Clock,
  onDamaged: (key: ObjectKey) => void,
): Promise<ObjectStore> {
  const driver = driverOf(settings);
  const named = (setting: string): string => `VC_${driver.type}_${setting}`.toUpperCase();
  return openDriver(driver, { clock, onDamaged, named });
}

function driverOf(settings: StorageSettings): DriverSettings {
  const type = settings.storageDriver;
  switch (type) {
    case 'local':
      return { type, root: settings.localRoot, fsync: settings.localFsync };
    case 's3': {
      const { s3Bucket: bucket, s3Region: region, s3Endpoint: endpoint, s3PathStyle } = settings;
      const pathStyle = s3PathStyle ?? endpoint !== undefined;
      return { type, bucket, region, endpoint, credentials: undefined, pathStyle };
    }
    case 'gcs':
      return { type, bucket: settings.gcsBucket, endpoint: settings.gcsEndpoint };
    case 'azure':
      return {
        type,
        container: settings.azureContainer,
        connectionString: settings.azureConnectionString,
        account: settings.azureAccount,
        key: settings.azureKey,
        sas: settings.azureSas,
        endpoint: settings.azureEndpoint,
      };
    default:
      return unreachable(type);
  }
}
