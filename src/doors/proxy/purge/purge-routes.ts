import * as z from 'zod';
import { checkedMessage } from '../../../http/checked-message.ts';
import type { AuditEvent, AuditLog } from '../../../telemetry/audit-log.ts';
import {
  BAN_PATH,
  BANS_PATH,
  type BanReply,
  type BansReply,
  PURGE_PATH,
  type PurgeReply,
} from '../../../wire/purge.ts';
import type { AdminRoute } from '../admin/admin-route.ts';
import { formatBanExpression, parseBanExpression } from './ban-expression.ts';
import type { BanFacts } from './ban-list.ts';
import { AN_OBJECT, readPurge } from './purge-message.ts';
import type { Purges } from './purges.ts';

/** What was done, and of how many stored responses at once; of a ban of none. */
export type OnPurged = (action: 'purge' | 'soft-purge' | 'ban', found: number) => void;

/** Whoever may open the socket; it does not tell who that is. */
const WHO = 'admin socket';
const banMessage = z.strictObject({ expression: z.string('must be a text') }, AN_OBJECT);

/**
 * `POST /purge`, `POST /ban` and `GET /bans`, for the admin side of a proxy and never for its public port. What is done is
 * in the audit log before it is done, and so is what came of it.
 * @param onPurged for metrics
 */
export function purgeRoutes(
  purges: Purges,
  audit: AuditLog,
  onPurged: OnPurged = () => {},
): readonly AdminRoute[] {
  return [
    {
      method: 'POST',
      path: PURGE_PATH,
      handle: async (body) => {
        const { soft, key, run } = readPurge(body);
        const action = soft ? 'soft-purge' : 'purge';
        const purged = audited(action, key, () => run(purges));
        onPurged(action, purged);
        return { purged, soft } satisfies PurgeReply;
      },
    },
    {
      method: 'POST',
      path: BAN_PATH,
      handle: async (body) => {
        const expression = parseBanExpression(checkedMessage(banMessage, body).expression);
        const key = formatBanExpression(expression);
        const ban = audited('ban', key, () => purges.ban(expression));
        onPurged('ban', 0);
        return shownBan(ban);
      },
    },
    {
      method: 'GET',
      path: BANS_PATH,
      handle: async () => ({ bans: purges.bans().map(shownBan) }) satisfies BansReply,
    },
  ];

  function audited<T>(action: AuditEvent['action'], key: string, work: () => T): T {
    const event = { who: WHO, action, key } as const;
    audit.record({ ...event, result: 'begun' });
    try {
      const result = work();
      audit.record({ ...event, result: result === 0 ? 'absent' : 'done' });
      return result;
    } catch (error) {
      audit.record({ ...event, result: 'failed' });
      throw error;
    }
  }
}

function shownBan({ expression, madeAt, banned }: BanFacts): BanReply {
  return { expression, made: new Date(madeAt).toISOString(), banned };
}
