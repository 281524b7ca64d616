import { addAbortSignal, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ByteSpan } from '../base/byte-range.ts';
import { BodyChanged } from './body-changed.ts';
import type { PageLayout } from './page-layout.ts';
import { PagedBody, type PagePart } from './paged-body.ts';
import type { Reading, ReadOutcome } from './read-through.ts';

export interface PagedReadingOptions<M> {
  readonly layout: PageLayout;
  /** Of the whole. */
  readonly sizeBytes: number;
  /** The first page; it says what the body is. */
  readonly first: Reading<M>;
  /** Any other page, of the same version. */
  readonly readPage: (page: number) => Promise<Reading<M>>;
  /** The source has another version by now: this one must not be found again. */
  readonly onChanged: () => Promise<void>;
  readonly count: (outcome: ReadOutcome) => void;
}

/** What is sent of one page. */
interface Page {
  readonly part: PagePart;
  readonly outcome: ReadOutcome;
}

/** The page that is sent, the next one, and the one before, whose last bytes may wait in the connection. */
const HELD_PAGES = 3;

/** What is read of a body in pages. It is counted once, as the first page of what is read. */
export class PagedReading<M> implements Reading<M> {
  readonly #options: Omit<PagedReadingOptions<M>, 'first'>;
  readonly meta: M;
  /** `undefined`: it was closed; what it had in memory must not stay because of this. */
  #first: Reading<M> | undefined;
  #outcome: ReadOutcome;
  #isCounted = false;
  /** Pages that something was opened of, the latest last. */
  readonly #held: Reading<M>[] = [];
  #isClosed = false;

  constructor({ first, ...options }: PagedReadingOptions<M>) {
    this.#options = options;
    this.meta = first.meta;
    this.#first = first;
    this.#outcome = first.outcome;
  }

  get sizeBytes(): number {
    return this.#options.sizeBytes;
  }

  /** Of the first page of what was opened; before that, of the body's first page. */
  get outcome(): ReadOutcome {
    return this.#outcome;
  }

  /**
   * Waits for the first page that is asked for to be found or to begin to come.
   * @throws BodyChanged
   */
  async open(asked: ByteSpan | 'whole'): Promise<Readable> {
    const { layout, sizeBytes } = this.#options;
    const span = asked === 'whole' ? { first: 0, last: sizeBytes - 1 } : asked;
    const pages = layout.pagesOf(span);
    const open = (page: number): Promise<Page> => this.#open(page, layout.partOf(page, span));
    if (pages.first > 0) this.#close(this.#first);
    try {
      const { part, outcome } = await open(pages.first);
      this.#count(outcome);
      return new PagedBody(part, pages, async (page) => (await open(page)).part);
    } catch (error) {
      this.#count('failed');
      throw error;
    }
  }

  /** Brings the pages that begin within the first bytes into the tiers, one at a time, as long as there is room. */
  async warm(maxBytes: number, signal: AbortSignal): Promise<void> {
    const { layout, sizeBytes } = this.#options;
    const pages = layout.count(Math.min(sizeBytes, maxBytes));
    for (let page = 0; page < pages && !signal.aborted; page++) {
      const reading = await this.#read(page);
      const { outcome } = reading;
      try {
        if (outcome === 'miss' || outcome === 'joined')
          await finished(addAbortSignal(signal, (await reading.open('whole')).resume()));
      } finally {
        this.#close(reading);
      }
      if (outcome === 'through') return;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#letGo(0);
    this.#close(this.#first);
    this.#count(this.#outcome);
  }

  async #open(page: number, span: ByteSpan): Promise<Page> {
    this.#letGo(HELD_PAGES - 1);
    const reading = await this.#read(page);
    const { bytes, outcome } = reading;
    try {
      const part = bytes
        ? bytes.subarray(span.first, span.last + 1)
        : await this.#unlessChanged(reading.open(span));
      return { part, outcome };
    } finally {
      this.#held.push(reading);
      if (this.#isClosed) this.#letGo(0);
    }
  }

  /** All but the latest. */
  #letGo(kept: number): void {
    while (this.#held.length > kept) this.#close(this.#held.shift());
  }

  #close(reading: Reading<M> | undefined): void {
    reading?.close();
    if (reading === this.#first) this.#first = undefined;
  }

  async #read(page: number): Promise<Reading<M>> {
    if (page === 0 && this.#first) return this.#first;
    return this.#unlessChanged(this.#options.readPage(page));
  }

  async #unlessChanged<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof BodyChanged) await this.#options.onChanged();
      throw error;
    }
  }

  #count(outcome: ReadOutcome): void {
    this.#outcome = outcome;
    if (!this.#isCounted) this.#options.count(outcome);
    this.#isCounted = true;
  }
}
