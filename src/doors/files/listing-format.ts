export type ListingFormat = 'json' | 'html';

/**
 * Whether whoever asks would rather have a page than JSON, by the field Accept. JSON, where they have no preference: that is
 * a program. RFC 9110 §12.5.1.
 */
export function listingFormat(accept: string | undefined): ListingFormat {
  if (accept === undefined) return 'json';
  const ranges = accept.split(',').map(rangeOf);
  return qualityOf(ranges, 'text', 'html') > qualityOf(ranges, 'application', 'json') ? 'html' : 'json';
}

interface MediaRange {
  readonly type: string;
  readonly quality: number;
}

function rangeOf(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((piece) => piece.trim().toLowerCase());
  const weight = parameters.map((parameter) => /^q=([01](?:\.\d{0,3})?)$/.exec(parameter)?.[1]).find(Boolean);
  return { type, quality: weight === undefined ? 1 : Math.min(1, Number(weight)) };
}

/** Of the most specific range that holds the type. */
function qualityOf(ranges: readonly MediaRange[], type: string, subtype: string): number {
  for (const wanted of [`${type}/${subtype}`, `${type}/*`, '*/*']) {
    const range = ranges.find((each) => each.type === wanted);
    if (range) return range.quality;
  }
  return 0;
}
