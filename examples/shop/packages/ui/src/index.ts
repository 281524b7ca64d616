export { Button } from './button.tsx';
export { Price } from './price.tsx';
export { ProductCard } from './product-card.tsx';
export { Totals } from './totals.tsx';
