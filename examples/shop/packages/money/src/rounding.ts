export type Rounding = 'half-even' | 'half-up' | 'down';

/**
 * `dividend / divisor` as an integer, exact for safe integers: no floating point
 * quotient is ever looked at. Negative dividends mirror positive ones.
 */
export function divideRounded(dividend: number, divisor: number, rounding: Rounding): number {
  if (!Number.isSafeInteger(dividend) || !Number.isSafeInteger(divisor) || divisor <= 0) {
    throw new RangeError(`cannot divide ${dividend} by ${divisor} exactly`);
  }
  const magnitude = Math.abs(dividend);
  const remainder = magnitude % divisor;
  const quotient = (magnitude - remainder) / divisor;
  const rounded = roundsUp(quotient, remainder, divisor, rounding) ? quotient + 1 : quotient;
  return dividend < 0 && rounded !== 0 ? -rounded : rounded;
}

function roundsUp(quotient: number, remainder: number, divisor: number, rounding: Rounding): boolean {
  if (rounding === 'down') return false;
  const beyondHalf = remainder - (divisor - remainder);
  if (beyondHalf !== 0) return beyondHalf > 0;
  return rounding === 'half-up' || quotient % 2 === 1;
}
