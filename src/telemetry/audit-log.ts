import { closeSync, fsyncSync, openSync, writeFileSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { messageOf, VelocityError } from '../base/errors.ts';
import type { Logger } from './logger.ts';

/** Something that only few may do. Who did it, and what came of it. */
export interface AuditEvent {
  /**
   * The id of a token, never the token; `cli` and the user for work on the storage itself; `admin socket` for whoever
   * may open that of a proxy.
   */
  readonly who: string;
  readonly action:
    | 'delete'
    | 'replace'
    | 'mount'
    | 'change-mount'
    | 'unmount'
    | 'purge'
    | 'soft-purge'
    | 'ban';
  /** The object's, with tenant and scope in it; of a mount the path that it is, or was, at; what was purged or banned. */
  readonly key: string;
  /**
   * `begun` is written before anything is done, and `done`, `absent` (there was nothing) or `failed` after it;
   * `granted` where a URL was handed out that does it; `refused` where it was asked for in vain.
   */
  readonly result: 'begun' | 'done' | 'absent' | 'failed' | 'granted' | 'refused';
  /** As in the request's log line. */
  readonly requestId?: string;
  /** The client's. */
  readonly address?: string;
}

/** Told after the deed. */
const OUTCOMES: ReadonlySet<AuditEvent['result']> = new Set(['done', 'absent', 'failed']);

/** The owner's alone: who may do what is nobody else's business. */
const MODE = 0o600;

/**
 * Append-only JSON lines. What is done is on the disk before it is done; the file is opened for each line: such
 * events are rare, and whoever rotates the file needs to tell nobody.
 */
export class AuditLog {
  readonly #path: string | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;

  /**
   * @param path without one the lines go to the ordinary log
   * @throws VelocityError `AUDIT_UNAVAILABLE` where the file cannot be written
   */
  constructor(path: string | undefined, clock: Clock, logger: Logger) {
    this.#path = path;
    this.#clock = clock;
    // Less of the log was asked for, not less of this.
    this.#logger = logger.level === 'silent' ? logger : logger.child({}, { level: 'info' });
    if (path === undefined) return;
    try {
      append(path, '', true);
    } catch (error) {
      const message = `The audit log ${path} cannot be written: ${messageOf(error)}. Set VC_AUDIT_FILE to a file that can.`;
      throw new VelocityError('AUDIT_UNAVAILABLE', message, { cause: error });
    }
  }

  /**
   * @throws VelocityError `AUDIT_UNAVAILABLE`: what cannot be recorded must not be done. Not of what came of it:
   * that is so, written down or not.
   */
  record(event: AuditEvent): void {
    if (this.#path === undefined) {
      this.#logger.info({ audit: event }, 'audit');
      return;
    }
    const line = JSON.stringify({ at: new Date(this.#clock.now()).toISOString(), ...event });
    try {
      // Whoever is refused could else keep the disk busy.
      append(this.#path, `${line}\n`, event.result !== 'refused');
    } catch (error) {
      this.#logger.error({ audit: event, err: error }, 'the audit log cannot be written');
      if (OUTCOMES.has(event.result)) return;
      const message = 'The audit log cannot be written, so nothing was done.';
      throw new VelocityError('AUDIT_UNAVAILABLE', message, { cause: error });
    }
  }
}

/** In one write where there is room, so that lines of two processes do not mix; never a part of one without an error. */
function append(path: string, line: string, flush: boolean): void {
  const file = openSync(path, 'a', MODE);
  try {
    writeFileSync(file, line);
    if (flush) fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
