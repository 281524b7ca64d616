export { allocate } from './allocate.ts';
export { CURRENCIES, type Currency, isCurrency } from './currency.ts';
export { add, type Money, money, parseMoney, scale, subtract, sum, toCash } from './money.ts';
export { divideRounded, type Rounding } from './rounding.ts';
