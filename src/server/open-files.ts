import { PresignedPaths } from '../auth/presigned-path.ts';
import { presignPublicKeyOf } from '../auth/settings.ts';
import { formatByteSize } from '../base/byte-size.ts';
import { messageOf } from '../base/errors.ts';
import type { BucketObjects } from '../buckets/bucket-objects.ts';
import { registerFiles } from '../doors/files/door.ts';
import { registerMounts } from '../doors/files/mounts/mount-routes.ts';
import { type ConfiguredMount, MountTable } from '../doors/files/mounts/mount-table.ts';
import { openFiles } from '../files/open-files.ts';
import { pruneFiles } from '../files/prune-files.ts';
import type { AuditLog } from '../telemetry/audit-log.ts';
import { RareWarning } from '../telemetry/rare-warning.ts';
import type { DoorSurroundings } from './door-surroundings.ts';
import { Hourly } from './hourly.ts';
import type { OpenDoor } from './open-door.ts';
import type { ServerSettings } from './settings.ts';

const TROUBLE = 'the history of files had trouble';

export interface FilesSurroundings extends DoorSurroundings {
  readonly root: string;
  /** Of the configuration. */
  readonly mounts: readonly ConfiguredMount[];
  /** Of the named stores, where there are any. */
  readonly objects: BucketObjects | undefined;
  readonly audit: AuditLog;
}

/** The folder with a memory. @throws VelocityError `STORAGE_*`, `JOURNAL_UNAVAILABLE` */
export async function openFilesDoor(settings: ServerSettings, around: FilesSurroundings): Promise<OpenDoor> {
  const { logger, clock, metrics, root, objects } = around;
  const warnings = new Map<string, RareWarning>();
  const opened = await openFiles(settings, {
    root,
    clock,
    onTrouble(kind, error) {
      metrics.files.trouble.inc({ kind });
      const warning = warnings.get(kind) ?? new RareWarning({ logger, clock }, TROUBLE);
      warnings.set(kind, warning);
      warning.happened({ kind, err: error });
    },
  });
  const { files } = opened;
  const mounts = await MountTable.open({
    configured: around.mounts,
    buckets: objects?.buckets ?? new Map(),
    stateFolder: files.folder.state,
    ...{ logger, clock },
  }).catch(async (error) => {
    await opened.close();
    throw error;
  });
  const { finished, swept } = opened.left;
  if (finished + swept > 0) logger.info({ finished, swept }, 'finished what a stop had left under way');
  metrics.files.levels.read = () => files.journal.stats();
  const hourly = new Hourly(clock, async () => {
    try {
      await opened.keepHouse();
      await prune();
    } catch (error) {
      logger.error({ reason: messageOf(error) }, 'the files could not be looked after');
    }
  });

  async function prune(): Promise<void> {
    const { filesPruneUnread: unreadMs, filesPruneMaxSize: maxBytes } = settings;
    if (unreadMs === undefined && maxBytes === undefined) return;
    const pruned = await pruneFiles(files, { unreadMs, maxBytes, now: clock.now() });
    metrics.files.pruned.inc({ what: 'files' }, pruned.files);
    metrics.files.pruned.inc({ what: 'bytes' }, pruned.bytes);
    if (pruned.files > 0)
      logger.info({ files: pruned.files, size: formatByteSize(pruned.bytes) }, 'pruned files');
  }

  const publicKey = presignPublicKeyOf(settings);
  return {
    answer: () => undefined,
    register(app) {
      const authMetrics = metrics.auth;
      registerMounts(app, { ...around, mounts, authMetrics });
      registerFiles(app, {
        ...around,
        ...{ files, mounts, objects, authMetrics },
        maxUploadBytes: settings.maxArtifactBytes,
        metrics: metrics.files,
        presigned: publicKey === undefined ? undefined : new PresignedPaths(publicKey, clock),
        blobStats: () => opened.blobStats(),
      });
    },
    start: () => hourly.start(),
    async close() {
      await hourly.stop();
      await opened.close();
    },
  };
}
