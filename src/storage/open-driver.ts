import type { Clock } from '../base/clock.ts';
import { VelocityError } from '../base/errors.ts';
import { unreachable } from '../base/unreachable.ts';
import type {
  AzureBucketSettings,
  GcsBucketSettings,
  LocalBucketSettings,
  RcloneBucketSettings,
  S3BucketSettings,
} from './bucket-settings.ts';
import type { ObjectKey } from './object-key.ts';
import type { ObjectStore } from './store.ts';

/** What a driver is told: of the server's one storage, where a name may be missing, as of a named store. */
export type DriverSettings =
  | (Pick<LocalBucketSettings, 'type' | 'root'> & { readonly fsync?: boolean })
  | MaybeUnnamed<S3BucketSettings, 'bucket'>
  | MaybeUnnamed<GcsBucketSettings, 'bucket'>
  | MaybeUnnamed<AzureBucketSettings, 'container'>
  | Omit<RcloneBucketSettings, 'immutable' | 'hedgeQuantile'>;

type MaybeUnnamed<T, K extends keyof T> = Omit<T, K | 'immutable' | 'hedgeQuantile'> & {
  readonly [Name in K]: T[Name] | undefined;
};

export interface DriverSurroundings {
  readonly clock: Clock;
  readonly onDamaged: (key: ObjectKey) => void;
  /** How a setting is called where it is to be set, for messages: `bucket` → `VC_S3_BUCKET`. */
  readonly named: (setting: string) => string;
  /** What a probe tries. Default: that all can be done. */
  readonly probes?: 'reads';
}

/**
 * A driver, whose code is loaded only here. That of local files has been probed, of the others no request was sent;
 * rclone has been started.
 * @throws VelocityError `DRIVER_UNAVAILABLE` for settings that cannot be; of local files `STORAGE_*`
 */
export async function openDriver(settings: DriverSettings, around: DriverSurroundings): Promise<ObjectStore> {
  const { clock, onDamaged, named, probes } = around;
  switch (settings.type) {
    case 'local': {
      const { LocalStore } = await import('./drivers/local/local-store.ts');
      const { root, fsync = false } = settings;
      return LocalStore.open({ root, fsync, clock, onDamaged, probes });
    }
    case 's3': {
      const { S3Store } = await import('./drivers/s3/s3-store.ts');
      return new S3Store({ ...settings, bucket: bucketOf(settings, named), clock });
    }
    case 'gcs': {
      const { GcsStore } = await import('./drivers/gcs/gcs-store.ts');
      return new GcsStore({ ...settings, bucket: bucketOf(settings, named), clock, probes });
    }
    case 'azure': {
      const { azureAccess } = await import('./drivers/azure/azure-credentials.ts');
      const { AzureStore } = await import('./drivers/azure/azure-store.ts');
      return new AzureStore({ ...(await azureAccess(settings, named)), clock });
    }
    case 'rclone': {
      const { RcloneStore } = await import('./drivers/rclone/rclone-store.ts');
      return RcloneStore.open({ ...settings, clock });
    }
    default:
      return unreachable(settings);
  }
}

function bucketOf(
  { type, bucket }: Extract<DriverSettings, { readonly type: 's3' | 'gcs' }>,
  named: DriverSurroundings['named'],
): string {
  if (bucket !== undefined) return bucket;
  throw new VelocityError('DRIVER_UNAVAILABLE', `The ${type} driver needs a bucket: set ${named('bucket')}.`);
}
