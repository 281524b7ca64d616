import { PresignedPaths } from '../auth/presigned-path.ts';
import { presignPublicKeyOf } from '../auth/settings.ts';
import type { BucketObjects } from '../buckets/bucket-objects.ts';
import { Gateway } from '../doors/gateway/gateway.ts';
import type { DoorSurroundings } from './door-surroundings.ts';
import type { OpenDoor } from './open-door.ts';
import type { ServerSettings } from './settings.ts';

/** The object gateway over named stores that are open. */
export function openGateway(
  settings: ServerSettings,
  objects: BucketObjects,
  around: DoorSurroundings,
): OpenDoor {
  const { metrics, clock } = around;
  const publicKey = presignPublicKeyOf(settings);
  const gateway = new Gateway({
    ...around,
    objects,
    presigned: publicKey === undefined ? undefined : new PresignedPaths(publicKey, clock),
    authMetrics: metrics.auth,
    maxUploadBytes: settings.maxArtifactBytes,
  });
  return {
    answer: (request, connection) => gateway.answer(request, connection),
    register: (app) => gateway.register(app),
    start() {},
    async close() {},
  };
}
