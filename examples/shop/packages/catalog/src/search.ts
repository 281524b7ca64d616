import type { Product } from './product.ts';

/** Lower case without accents: someone who types "gruyere" means "Gruyère". */
export function words(text: string): string[] {
  const folded = text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
  return folded.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/**
 * How well a product answers a query, zero if not at all. Every word of the query
 * must be found: in full in the name (4), at the start of a word of it (2), as a tag (1).
 */
export function relevance(product: Product, query: string): number {
  const name = words(product.name);
  let score = 1;
  for (const word of words(query)) {
    if (name.includes(word)) score += 4;
    else if (name.some((candidate) => candidate.startsWith(word))) score += 2;
    else if (product.tags.includes(word)) score += 1;
    else return 0;
  }
  return score;
}
