import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../../../base/errors.ts';
import type { Problem } from '../../../http/problem.ts';
import type { RawHandler } from '../../../http/raw-route.ts';
import type { Entries } from '../entries.ts';
import type { EntryDownloads } from './entry-downloads.ts';
import type { EntryUploads } from './entry-uploads.ts';
import type { TransferAccounts } from './transfer-accounts.ts';

/** An answer as a protocol's clients read it. */
export interface ProtocolAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** More of them, flat, as `writeHead` takes them. */
  readonly headers?: readonly string[];
}

export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'PROPFIND' | 'MKCOL';

/** What a protocol is made with. */
export interface ProtocolRoutes {
  /**
   * Adds a route, relative to where the protocol is served. Requests come authenticated, their bodies unread; what
   * the handler throws is answered as the protocol says.
   */
  on(methods: Method | readonly Method[], path: string, handle: RawHandler): void;
  readonly entries: Entries;
  readonly downloads: EntryDownloads;
  readonly uploads: EntryUploads;
  readonly accounts: TransferAccounts;
}

/**
 * A build tool's own cache protocol: a thin mapping onto the same entries, scopes and limits. Routes are relative: every
 * protocol is served at the root and below `/t/{tenant}`.
 */
export interface Protocol {
  /** In metrics, and the first part of its entries' names. */
  readonly name: string;
  register(routes: ProtocolRoutes): void;
  /** The token, where clients send it in another place than the header `Authorization`. */
  tokenOf?(request: FastifyRequest): string | undefined;
  /**
   * What clients are told of a failure: some take a wrong status for a broken cache and fail the build. Where that is
   * not the problem's own status, the door adds `x-velocity-error` with its code, so that nothing is hidden.
   */
  failure(problem: Problem, method: string): ProtocolAnswer;
}

/** The token writes nothing. */
export function readsOnly(): VelocityError {
  return new VelocityError('FORBIDDEN', 'This token has no scope to write: it reads, and uploads nothing.');
}
