import { type Money, money } from './money.ts';

/**
 * Splits an amount in proportion to whole-number weights without losing a cent:
 * every share is rounded down, then the cents left over go to the largest
 * remainders, the earliest first among equals.
 */
export function allocate(amount: Money, weights: readonly number[]): Money[] {
  const total = weights.reduce((left, right) => left + right, 0);
  if (total <= 0 || weights.some((weight) => weight < 0)) {
    throw new RangeError('weights must not be negative, and one must be above zero');
  }
  const sign = Math.sign(amount.minor);
  const magnitude = Math.abs(amount.minor);

  const shares = weights.map((weight, index) => {
    const exact = magnitude * weight;
    const remainder = exact % total;
    return { index, minor: (exact - remainder) / total, remainder };
  });

  let left = magnitude - shares.reduce((allocated, share) => allocated + share.minor, 0);
  const neediest = shares.toSorted((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const share of neediest) {
    if (left === 0) break;
    share.minor += 1;
    left -= 1;
  }
  return shares.map((share) => money(share.minor === 0 ? 0 : sign * share.minor, amount.currency));
}
