/**
 * The messages of the admin side of a proxy that take responses out of its store. To purge is asked for by `url`, by
 * `host` and `path`, by `tags` or by `all`, each with `soft`; to ban by `expression`.
 */

export const PURGE_PATH = '/purge';
export const BAN_PATH = '/ban';
export const BANS_PATH = '/bans';

export interface PurgeReply {
  /** Stored responses that it was about. */
  readonly purged: number;
  /** They were made stale, and are still there. */
  readonly soft: boolean;
}

export interface BanReply {
  /** In one spelling for all that are equal. */
  readonly expression: string;
  /** An ISO 8601 instant. */
  readonly made: string;
  /** Stored responses that it was found to be about so far. */
  readonly banned: number;
}

export interface BansReply {
  /** In the order in which they were made. */
  readonly bans: readonly BanReply[];
}

/** Reads one off the wire; `undefined` where it is not of this form. As the others. */
export function parsePurgeReply(raw: unknown): PurgeReply | undefined {
  const { purged, soft } = fieldsOf(raw);
  return typeof purged === 'number' && typeof soft === 'boolean' ? { purged, soft } : undefined;
}

export function parseBanReply(raw: unknown): BanReply | undefined {
  const { expression, made, banned } = fieldsOf(raw);
  if (typeof expression !== 'string' || typeof made !== 'string' || typeof banned !== 'number')
    return undefined;
  return { expression, made, banned };
}

export function parseBansReply(raw: unknown): BansReply | undefined {
  const { bans } = fieldsOf(raw);
  if (!Array.isArray(bans)) return undefined;
  const parsed = bans.map(parseBanReply);
  return parsed.every((ban) => ban !== undefined) ? { bans: parsed } : undefined;
}

function fieldsOf(raw: unknown): Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
}
