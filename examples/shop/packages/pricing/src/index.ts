export { type Basket, type Country, isBasket, type PricedLine, priceLines } from './basket.ts';
export { type DiscountedLine, type DiscountRule, discountLines } from './discount.ts';
export { CURRENT_OFFERS, type Quote, type QuoteLine, quote } from './quote.ts';
export { type TaxLine, taxLines } from './tax.ts';
