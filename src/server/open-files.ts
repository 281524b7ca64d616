import { PresignedPaths } from '../auth/presigned-path.ts';
import { presignPublicKeyOf } from '../auth/settings.ts';
import { formatByteSize } from '../base/byte-size.ts';
import { messageOf } from '../base/errors.ts';
import { registerFiles } from '../doors/files/door.ts';
import { openFiles } from '../files/open-files.ts';
import { pruneFiles } from '../files/prune-files.ts';
import { RareWarning } from '../telemetry/rare-warning.ts';
import type { DoorSurroundings } from './door-surroundings.ts';
import { Hourly } from './hourly.ts';
import type { OpenDoor } from './open-door.ts';
import type { ServerSettings } from './settings.ts';

const TROUBLE = 'the history of files had trouble';

/** The folder with a memory. @throws VelocityError `STORAGE_*`, `JOURNAL_UNAVAILABLE` */
export async function openFilesDoor(
  settings: ServerSettings,
  root: string,
  around: DoorSurroundings,
): Promise<OpenDoor> {
  const { logger, clock, metrics } = around;
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
    register: (app) =>
      registerFiles(app, {
        ...around,
        files,
        hosts: settings.filesHosts ?? [],
        maxUploadBytes: settings.maxArtifactBytes,
        metrics: metrics.files,
        authMetrics: metrics.auth,
        presigned: publicKey === undefined ? undefined : new PresignedPaths(publicKey, clock),
        blobStats: () => opened.blobStats(),
      }),
    start: () => hourly.start(),
    async close() {
      await hourly.stop();
      await opened.close();
    },
  };
}
