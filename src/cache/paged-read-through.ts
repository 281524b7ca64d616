import { spanLength } from '../base/byte-range.ts';
import type { BodyCache, FoundBody } from './body-cache.ts';
import { BodyChanged } from './body-changed.ts';
import type { Kept } from './kept.ts';
import { type BodyVersion, PageLayout } from './page-layout.ts';
import { PagedReading } from './paged-reading.ts';
import type { Reading, ReadOutcome, ReadThrough } from './read-through.ts';
import type { PagedSource, Source } from './source.ts';

/** What is kept beside a page at least. */
export interface PageMeta {
  /** Of the whole body; changes when its bytes change. Where it is empty, nobody can tell, and the body is not read in pages. */
  readonly etag: string;
  /** Of the whole body, where the entry is a page of it. */
  readonly wholeBytes?: number | undefined;
}

export interface PagedReadThroughOptions<M> {
  /** Of the pages, and of the bodies that fit in one. */
  readonly cache: ReadThrough<M>;
  readonly pageBytes: number;
  /** How much of a body `warm` brings in. */
  readonly maxWarmBytes: number;
  readonly count: (outcome: ReadOutcome) => void;
}

/**
 * Bodies larger than a page are fetched and kept in pages, each an entry and a flight of its own. The first page says
 * which version of a body is current, and the others are of that version or an error: bytes of two are never mixed. A
 * body that fits in one page is the entry that it would be without pages, and so is one that was filled in as a whole.
 */
export class PagedReadThrough<M extends PageMeta> implements BodyCache<M> {
  readonly #options: PagedReadThroughOptions<M>;
  readonly #layout: PageLayout;

  constructor(options: PagedReadThroughOptions<M>) {
    this.#options = options;
    this.#layout = new PageLayout(options.pageBytes);
  }

  /** Opening a part of what it gives throws `BodyChanged` where the source has another body by now: whoever reads again gets that. */
  async read(key: string, source: PagedSource<M>): Promise<Reading<M> | undefined> {
    const { cache, count } = this.#options;
    try {
      const reading =
        (await cache.find(key)) ??
        (await cache.readUncounted(this.#layout.firstKey(key), this.#firstOf(key, source)));
      const paged = reading && this.#paged(key, source, reading);
      if (!paged) count(reading?.outcome ?? 'absent');
      return paged ?? reading;
    } catch (error) {
      count('failed');
      throw error;
    }
  }

  async find(key: string): Promise<FoundBody<M> | undefined> {
    const { cache } = this.#options;
    const found = (await cache.find(key)) ?? (await cache.find(this.#layout.firstKey(key)));
    return found && { ...found, sizeBytes: found.meta.wholeBytes ?? found.sizeBytes };
  }

  /** Page by page, from the first one on, those that begin within `maxWarmBytes`. */
  async warm(key: string, source: PagedSource<M>, signal: AbortSignal): Promise<boolean> {
    const reading = await this.read(key, source);
    try {
      if (reading instanceof PagedReading) await reading.warm(this.#options.maxWarmBytes, signal);
      return reading !== undefined && reading.outcome !== 'through';
    } finally {
      reading?.close();
    }
  }

  async fill(key: string, kept: Kept<M>): Promise<void> {
    await this.forget(key);
    await this.#options.cache.fill(key, kept);
  }

  /** Of the pages, the first one: nobody finds the others without it but those who have it already. */
  async forget(key: string): Promise<void> {
    const { cache } = this.#options;
    await Promise.all([cache.forget(this.#layout.firstKey(key)), cache.forget(key)]);
  }
  /** `undefined`: it is a whole body. */
  #paged(key: string, source: PagedSource<M>, first: Reading<M>): PagedReading<M> | undefined {
    const { meta } = first;
    const { wholeBytes: sizeBytes, etag } = meta;
    if (sizeBytes === undefined) return undefined;
    const { cache, count } = this.#options;
    const version = { etag, sizeBytes };
    return new PagedReading({
      ...{ layout: this.#layout, sizeBytes, first, count },
      readPage: async (page) => {
        const laterKey = this.#layout.laterKey(key, page, version);
        const reading = await cache.readUncounted(laterKey, this.#laterOf(page, sizeBytes, source, meta));
        if (!reading) throw new BodyChanged();
        return reading;
      },
      onChanged: () => this.#forgetVersion(key, version),
    });
  }

  async #forgetVersion(key: string, { etag }: BodyVersion): Promise<void> {
    const { cache } = this.#options;
    const firstKey = this.#layout.firstKey(key);
    const hot = cache.hot(firstKey);
    if (hot && hot.meta.etag !== etag) return; // somebody has found the new one already
    await cache.forget(firstKey);
  }

  #firstOf(key: string, source: PagedSource<M>): Source<M> {
    const { pageBytes } = this.#layout;
    return {
      open: async () => {
        const first = await source.openFirst(pageBytes);
        if (!first || first.sizeBytes <= pageBytes) return first && { ...first, keptAs: key };
        const { meta, sizeBytes } = first;
        if (meta.etag !== '')
          return { ...first, meta: { ...meta, wholeBytes: sizeBytes }, sizeBytes: pageBytes };
        first.body.destroy();
        const whole = await source.open();
        return whole && { ...whole, keptAs: key };
      },
      openPart: (span, meta) => source.openPart(span, meta),
    };
  }

  #laterOf(page: number, wholeBytes: number, source: PagedSource<M>, meta: M): Source<M> {
    const span = this.#layout.spanOf(page, wholeBytes);
    return {
      open: async () => ({ meta, sizeBytes: spanLength(span), body: await source.openPart(span, meta) }),
      openPart: (part) => source.openPart(this.#layout.inBody(page, part), meta),
    };
  }
}
