import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { BucketObjects } from '../../../buckets/bucket-objects.ts';
import type { FilePath } from '../../../files/file-path.ts';
import type { OnBytes } from '../../../http/transfer.ts';
import type { MountTable } from './mount-table.ts';

/** What a GET or HEAD asks for, as far as a mount can tell. */
export type AskedRead =
  | { readonly kind: 'content'; readonly at: unknown; readonly lines: unknown; readonly wantsJson: boolean }
  | { readonly kind: 'hash'; readonly at: unknown }
  | { readonly kind: 'stat' | 'history' | 'diff' };

/** Where something is to be copied or moved. */
export interface AskedTarget {
  readonly to: FilePath;
  /** Whether what is there may be replaced. */
  readonly overwrite: boolean;
}

/** What a POST asks for. */
export type AskedPost =
  | ({ readonly kind: 'copy' | 'move' } & AskedTarget)
  | { readonly kind: 'mkdir' | 'restore' };

/** A row of a folder's listing. */
export interface MountedEntry {
  readonly name: string;
  readonly type: 'file' | 'folder';
  /** Of a file. */
  readonly sizeBytes?: number | undefined;
  /** Milliseconds since the epoch; of a folder the latest that was seen in it. */
  readonly modifiedAt: number;
}

/** What the handlers of mounts work with. The door reads queries and writes listings, here as elsewhere. */
export interface MountedContext {
  readonly objects: BucketObjects;
  readonly mounts: MountTable;
  /** Largest body that is accepted. */
  readonly maxUploadBytes: number;
  /** Charged to whoever asks. */
  readonly sent: (request: FastifyRequest) => OnBytes;
  readonly received: (request: FastifyRequest) => OnBytes;
  /** @throws VelocityError `BAD_REQUEST` */
  readonly readQuery: (text: string) => AskedRead;
  /** @throws VelocityError `BAD_REQUEST` */
  readonly postQuery: (text: string) => AskedPost;
  /** What a PATCH with a JSON body asks for. @throws VelocityError `BAD_REQUEST` */
  readonly moveIn: (body: unknown, path: FilePath) => AskedTarget;
  /** Answers with a folder's entries, in any order; a HEAD without them. */
  readonly sendListing: (
    request: FastifyRequest,
    response: ServerResponse,
    listing: {
      readonly path: FilePath;
      readonly entries: AsyncIterable<MountedEntry>;
      readonly wantsJson: boolean;
    },
  ) => Promise<void>;
}
