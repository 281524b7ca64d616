import { BlobUrls } from '../auth/blob-url.ts';
import { UploadUrls } from '../auth/upload-url.ts';
import type { Secret } from '../base/secret.ts';
import { registerBuildCache } from '../doors/build-cache/door.ts';
import { HotAnswers } from '../doors/build-cache/hot-answers.ts';
import { ownerOf } from '../doors/build-cache/scoped-key.ts';
import type { HttpApp } from '../http/listener.ts';
import { openStore } from '../storage/open-store.ts';
import { retentionLimits } from '../storage/settings.ts';
import type { ObjectStore } from '../storage/store.ts';
import { WatchedStore } from '../storage/watched-store.ts';
import type { AuditLog } from '../telemetry/audit-log.ts';
import type { DoorSurroundings } from './door-surroundings.ts';
import { Hourly } from './hourly.ts';
import { Housekeeping } from './housekeeping.ts';
import type { OpenDoor } from './open-door.ts';
import type { ServerSettings } from './settings.ts';
import { sweepUploads } from './sweep-uploads.ts';

export interface BuildCacheSurroundings extends DoorSurroundings {
  readonly audit: AuditLog;
  /** Signs its URLs. */
  readonly secret: Secret;
  readonly version: string;
}

/** The build cache and its storage. */
export interface OpenBuildCache extends OpenDoor {
  readonly store: ObjectStore;
}

/** @throws VelocityError `DRIVER_UNAVAILABLE`, `STORAGE_*` */
export async function openBuildCache(
  settings: ServerSettings,
  around: BuildCacheSurroundings,
): Promise<OpenBuildCache> {
  const { logger, metrics, clock, limits, proxies, authenticator, secret } = around;
  const opened = await openStore(settings, { logger, metrics: metrics.storage, clock });
  const hot = new HotAnswers({
    maxBytes: settings.memoryMaxSize,
    ttlMs: settings.memoryTtl,
    lookUp: (key) => opened.head(key),
    authenticator,
    limits,
    metrics: metrics.buildCache,
    clock,
  });
  const store = new WatchedStore(opened, (key) => hot.forget(key));
  const sweep = new Hourly(clock, (stopped) => sweepUploads(store, { clock, logger, stopped }));
  const housekeeping = housekeepingOf(store, settings, around);
  return {
    store,
    answer: (request, connection) => hot.answer(request, connection),
    register(app: HttpApp) {
      registerBuildCache(app, {
        ...{ store, hot, authenticator, limits, proxies, logger, clock },
        urls: new BlobUrls(secret),
        uploadUrls: new UploadUrls(secret),
        metrics: metrics.buildCache,
        authMetrics: metrics.auth,
        audit: around.audit,
        publicUrl: settings.publicUrl,
        urlTtlSeconds: Math.max(1, Math.ceil(settings.urlTtl / 1000)),
        maxArtifactBytes: settings.maxArtifactBytes,
        gradleOversize: settings.gradleOversize,
        turborepoRequireTag: settings.turborepoRequireTag,
        actionResults: settings.actionResults,
        version: around.version,
      });
    },
    start() {
      housekeeping?.start();
      sweep.start();
    },
    async close() {
      await housekeeping?.stop();
      await sweep.stop();
      await store.close();
    },
  };
}

/** Buckets have lifecycle rules of their own, which cost no listing. */
function housekeepingOf(
  store: ObjectStore,
  settings: ServerSettings,
  { logger, metrics, clock }: BuildCacheSurroundings,
): Housekeeping | undefined {
  const limits = retentionLimits(settings);
  if (!limits) return undefined;
  const { driver } = store;
  if (driver !== 'local') {
    logger.warn(
      `VC_RETENTION_… is for the local driver: give the ${driver} storage a lifecycle rule, or run "velocity cache prune" from time to time`,
    );
    return undefined;
  }
  return new Housekeeping({ store, limits, ownerOf, clock, logger, metrics: metrics.storage });
}
