export { Catalog, openCatalog, productRecords } from './catalog.ts';
export {
  type Product,
  type ProductRecord,
  parseProduct,
  TAX_CATEGORIES,
  type TaxCategory,
} from './product.ts';
export { relevance, words } from './search.ts';
export { type UnitPrice, unitPrice } from './unit-price.ts';
