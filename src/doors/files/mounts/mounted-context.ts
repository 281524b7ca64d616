import type { BucketObjects } from '../../../buckets/bucket-objects.ts';
import type { FilesContext } from '../context.ts';
import type { MountTable } from './mount-table.ts';

/** What the handlers of mounts work with. */
export interface MountedContext extends Pick<FilesContext, 'maxUploadBytes' | 'sent' | 'received'> {
  readonly objects: BucketObjects;
  readonly mounts: MountTable;
}
