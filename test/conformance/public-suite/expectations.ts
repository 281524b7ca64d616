import * as z from 'zod';
import { KINDS, type Kind, type Verdict } from './suite.ts';

const kind = z.enum(KINDS);

const expectationsSchema = z.strictObject({
  /** Which state of the suite the rest was written for. */
  suite: z.string(),
  /** How many tests of each kind apply to a proxy. */
  totals: z.strictObject({ required: z.int(), optimal: z.int(), check: z.int() }),
  /** What does not pass, and why that is right. */
  deviations: z.array(
    z.strictObject({ id: z.string(), kind, result: z.string(), reason: z.string().min(20) }),
  ),
  /** Checks that are answered `yes`; all others are answered `no`. */
  yes: z.array(z.string()),
});

/** What the public suite is expected to find, in `expected.json`. */
export type Expectations = z.infer<typeof expectationsSchema>;

export interface Measured {
  readonly id: string;
  readonly kind: Kind;
  readonly verdict: Verdict;
}

/** @throws Error of zod, with the place, where it is not as it has to be */
export function parseExpectations(raw: unknown): Expectations {
  return expectationsSchema.parse(raw);
}

/** How often a kind's tests were found as one would want them: passed, or answered `yes`. */
export function score(
  measured: readonly Measured[],
  of: Kind,
): { readonly good: number; readonly total: number } {
  const those = measured.filter((each) => each.kind === of);
  return { good: those.filter(({ verdict }) => isGood(verdict)).length, total: those.length };
}

/**
 * In words, what is other than expected, in either direction: a deviation that is none any more has to be struck out, or
 * the file would lie.
 * @param isWhole all tests were run: then none may be missing, and none be more than expected
 */
export function differences(
  { totals, deviations, yes }: Expectations,
  measured: readonly Measured[],
  isWhole: boolean,
): readonly string[] {
  const deviating = new Map(deviations.map((deviation) => [deviation.id, deviation]));
  const answeredYes = new Set(yes);
  const found = measured.flatMap((test) => {
    const deviation = deviating.get(test.id);
    const usual = test.kind !== 'check' ? 'pass' : answeredYes.has(test.id) ? 'yes' : 'no';
    const expected = deviation?.result ?? usual;
    const kinds = deviation && deviation.kind !== test.kind ? [`${test.id}: is ${test.kind} now`] : [];
    return test.verdict === expected
      ? kinds
      : [...kinds, `${test.id} (${test.kind}): ${test.verdict}, expected ${expected}`];
  });
  if (!isWhole) return found;
  const ids = new Set(measured.map(({ id }) => id));
  const unknown = [...deviating.keys(), ...yes]
    .filter((id) => !ids.has(id))
    .map((id) => `${id}: is expected, but the suite has no such test`);
  const counts = KINDS.filter((each) => score(measured, each).total !== totals[each]).map(
    (each) => `the suite has ${score(measured, each).total} ${each} tests, expected ${totals[each]}`,
  );
  return [...found, ...unknown, ...counts];
}

function isGood(verdict: Verdict): boolean {
  return verdict === 'pass' || verdict === 'yes';
}
