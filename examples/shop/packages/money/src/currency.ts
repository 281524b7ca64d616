interface CurrencyFacts {
  /** Digits after the decimal point: how many minor units make one unit. */
  readonly digits: number;
  /** Smallest amount that can be paid in coins, in minor units. */
  readonly cashStep: number;
}

export const CURRENCIES = {
  CHF: { digits: 2, cashStep: 5 },
  EUR: { digits: 2, cashStep: 1 },
  JPY: { digits: 0, cashStep: 1 },
  KWD: { digits: 3, cashStep: 5 },
  SEK: { digits: 2, cashStep: 100 },
  USD: { digits: 2, cashStep: 1 },
} as const satisfies Record<string, CurrencyFacts>;

export type Currency = keyof typeof CURRENCIES;

export function isCurrency(code: string): code is Currency {
  return Object.hasOwn(CURRENCIES, code);
}
