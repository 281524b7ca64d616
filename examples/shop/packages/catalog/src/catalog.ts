import { type Product, type ProductRecord, parseProduct } from './product.ts';
import records from './products.json' with { type: 'json' };
import { relevance } from './search.ts';

export class Catalog {
  readonly #bySku: ReadonlyMap<string, Product>;

  constructor(products: readonly Product[]) {
    this.#bySku = new Map(products.map((product) => [product.sku, product]));
    if (this.#bySku.size !== products.length) throw new RangeError('a SKU is used twice');
  }

  get(sku: string): Product | undefined {
    return this.#bySku.get(sku);
  }

  /** The best matches first; equals by name. An empty query lists everything. */
  search(query: string): Product[] {
    return [...this.#bySku.values()]
      .map((product) => ({ product, score: relevance(product, query) }))
      .filter(({ score }) => score > 0)
      .toSorted((a, b) => b.score - a.score || compareText(a.product.name, b.product.name))
      .map(({ product }) => product);
  }
}

export const productRecords: readonly ProductRecord[] = records;

export function openCatalog(source: readonly ProductRecord[] = productRecords): Catalog {
  return new Catalog(source.map(parseProduct));
}

/** By code point, so that the order is the same on every machine. */
function compareText(first: string, second: string): number {
  return first < second ? -1 : Number(first > second);
}
