import type { ByteSpan } from '../base/byte-range.ts';

/** Which body a page is of; pages of two versions never meet. */
export interface BodyVersion {
  readonly etag: string;
  /** Of the whole. */
  readonly sizeBytes: number;
}

/** Where pages of one size lie in bodies, and which keys they have. */
export class PageLayout {
  readonly pageBytes: number;

  constructor(pageBytes: number) {
    this.pageBytes = pageBytes;
  }

  /**
   * The first page is found by the body's own key, and says which version is current.
   * @param key without line breaks, so that no page's key is a body's
   */
  firstKey(key: string): string {
    return `${key}\n${this.pageBytes}`;
  }

  /** All others are found by their version, too: where that is no longer current nobody asks for them. */
  laterKey(key: string, page: number, { etag, sizeBytes }: BodyVersion): string {
    return `${this.firstKey(key)}\n${sizeBytes}\n${etag}\n${page}`;
  }

  /** The pages that a part of a body touches, by number, both inclusive. */
  pagesOf({ first, last }: ByteSpan): ByteSpan {
    return { first: Math.floor(first / this.pageBytes), last: Math.floor(last / this.pageBytes) };
  }

  /** Where a page lies in a body. */
  spanOf(page: number, sizeBytes: number): ByteSpan {
    const first = page * this.pageBytes;
    return { first, last: Math.min(first + this.pageBytes, sizeBytes) - 1 };
  }

  /** What a part of a body takes of a page that it touches, counted from the beginning of the page. */
  partOf(page: number, { first, last }: ByteSpan): ByteSpan {
    const start = page * this.pageBytes;
    return { first: Math.max(first - start, 0), last: Math.min(last - start, this.pageBytes - 1) };
  }

  /** A part of a page, counted from its beginning, as the part of the body that it is. */
  inBody(page: number, { first, last }: ByteSpan): ByteSpan {
    const start = page * this.pageBytes;
    return { first: start + first, last: start + last };
  }

  /** How many pages a body has. */
  count(sizeBytes: number): number {
    return Math.ceil(sizeBytes / this.pageBytes);
  }
}
