import type { FastifyRequest } from 'fastify';
import type { Files } from '../../files/files.ts';
import type { OnBytes } from '../../http/transfer.ts';

/** What the handlers of the door work with. */
export interface FilesContext {
  readonly files: Files;
  readonly mounts: MountTable;
  /** Largest body that is accepted. */
  readonly maxUploadBytes: number;
  /** Counts what is sent to whoever asked. */
  readonly sent: (request: FastifyRequest) => OnBytes;
  readonly received: (request: FastifyRequest) => OnBytes;
  /** The id of the token that asks, for the journal. */
  readonly senderOf: (request: FastifyRequest) => string | undefined;
}

import type { MountTable } from './mounts/mount-table.ts';
