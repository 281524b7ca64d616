import { spellByteSize } from '../../../base/byte-size.ts';
import { spellDuration } from '../../../base/duration.ts';
import { byteSize, duration, oneOf, text, wholeNumber } from '../../../config/kinds.ts';
import type { Mistake } from '../../../config/mistake.ts';
import type { Resolution } from '../../../config/resolve-settings.ts';
import type { Settings, Values } from '../../../config/setting.ts';
import { VELOCITY_NAMES } from '../velocity-names.ts';

/** The policy of the HTTP caching proxy. */
export const policySettings = {
  policyPath: {
    key: 'proxy.policy.path',
    kind: text(),
    envAliases: VELOCITY_NAMES['proxy.policy.path'],
    doc: 'A WebAssembly module that is asked about every request. Where there is no such file, the proxy starts without it and says so.',
  },
  policyPoolSize: {
    key: 'proxy.policy.pool_size',
    kind: wholeNumber(1, 64, 'a number of instances'),
    default: 4,
    envAliases: VELOCITY_NAMES['proxy.policy.pool_size'],
    doc: 'How many instances of the policy are kept ready. A call has one to itself; one that failed is not used again.',
  },
  policyDeadline: {
    key: 'proxy.policy.deadline',
    kind: duration(),
    default: 20,
    doc: 'How long a call of the policy may take, from 1ms to 1s; nothing else is answered meanwhile.',
  },
  policyMaxMemory: {
    key: 'proxy.policy.max_memory',
    kind: byteSize(),
    default: 16 * 2 ** 20,
    doc: 'How much memory of its own an instance of the policy may take, from 64KiB to 1GiB.',
  },
  policyOnFailure: {
    key: 'proxy.policy.on_failure',
    kind: oneOf(['open', 'closed']),
    default: 'open',
    doc: 'What becomes of a request whose policy comes to no decision: it goes on as without a policy (`open`), or is answered with an error (`closed`).',
  },
} as const satisfies Settings;

export type PolicySettings = Values<typeof policySettings>;

const DEADLINES = { min: 1, max: 1_000 };
const MEMORIES = { min: 64 * 1024, max: 2 ** 30 };

export function policyMistakes({ values, sources }: Resolution<typeof policySettings>): readonly Mistake[] {
  const { policyDeadline, policyMaxMemory } = values;
  const mistakes: Mistake[] = [];
  if (policyDeadline < DEADLINES.min || policyDeadline > DEADLINES.max)
    mistakes.push(
      sources.policyDeadline.mistake(
        `proxy.policy.deadline: ${spellDuration(policyDeadline)} is not between 1ms and 1s.`,
      ),
    );
  if (policyMaxMemory < MEMORIES.min || policyMaxMemory > MEMORIES.max)
    mistakes.push(
      sources.policyMaxMemory.mistake(
        `proxy.policy.max_memory: ${spellByteSize(policyMaxMemory)} is not between 64KiB and 1GiB.`,
      ),
    );
  return mistakes;
}
