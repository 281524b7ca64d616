import { Readable } from 'node:stream';

/** What is sent of one page: from memory, or as it comes. */
export type PagePart = Uint8Array | Readable;

/** What is given out at once of a page in memory. */
const PIECE_BYTES = 256 * 1024;

/**
 * Parts of pages in order, as one body: the next page is begun while the current one is sent, and no other. Fails in
 * place of the first page that fails, after all that comes before it.
 */
export class PagedBody extends Readable {
  readonly #open: (page: number) => Promise<PagePart>;
  readonly #last: number;
  /** The page that is sent. */
  #page: number;
  #part: PagePart;
  #pieces: Iterator<Uint8Array> | AsyncIterator<Uint8Array>;
  #ahead: Promise<PagePart> | undefined;

  /**
   * @param first what is sent of the page `pages.first`
   * @param pages by number, both inclusive
   * @param open is asked for every other page, once and in order; what it gives is read or destroyed
   */
  constructor(
    first: PagePart,
    pages: { readonly first: number; readonly last: number },
    open: (page: number) => Promise<PagePart>,
  ) {
    super({ highWaterMark: PIECE_BYTES });
    this.#open = open;
    [this.#page, this.#last] = [pages.first, pages.last];
    [this.#part, this.#pieces] = [quiet(first), piecesOf(first)];
  }

  override _read(): void {
    this.#next().then(
      (piece) => {
        if (!this.destroyed) this.push(piece);
      },
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    letGo(this.#part);
    this.#ahead?.then(letGo, () => {});
    done(error);
  }

  /** `null`: that was all. */
  async #next(): Promise<Uint8Array | null> {
    while (!this.destroyed) {
      if (this.#page < this.#last) this.#ahead ??= this.#begin(this.#page + 1);
      const { value, done } = await this.#pieces.next();
      if (!done) return value;
      if (!this.#ahead) break;
      this.#part = await this.#ahead;
      this.#pieces = piecesOf(this.#part);
      this.#ahead = undefined;
      this.#page++;
    }
    return null;
  }

  #begin(page: number): Promise<PagePart> {
    const begun = this.#open(page).then(quiet);
    begun.catch(() => {}); // told when its turn has come
    return begun;
  }
}

function piecesOf(part: PagePart): Iterator<Uint8Array> | AsyncIterator<Uint8Array> {
  return part instanceof Readable ? part[Symbol.asyncIterator]() : pieces(part);
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** A part may fail before its turn has come, when it is told. */
function quiet(part: PagePart): PagePart {
  return part instanceof Readable ? part.on('error', () => {}) : part;
}

function letGo(part: PagePart): void {
  if (part instanceof Readable) part.destroy();
}
