/** A bit of it is a place in the pattern. */
const WORD_BITS = 32;
/** Patterns are of ASCII; other characters of a text are met by `?` and `*` alone. */
const ASCII = 128;

/**
 * A pattern of a whole text: `*` is any text, none too, `?` any one character; behind a backslash both, and the backslash,
 * mean themselves. Upper and lower case differ.
 *
 * It reads each character of a text once and keeps all the places in the pattern at which it can be as bits, 32 to a step:
 * no pattern makes it go back, so the time is that of the text's length for each 32 characters of the pattern.
 */
export class Glob {
  /** By character, the number of its row in `#advances`; row 0 is that of characters which the pattern does not name. */
  readonly #rows = new Uint8Array(ASCII);
  /** A row has the places from which a character leads one further. */
  readonly #advances: Int32Array;
  /** The places at which a `*` lets one stay. */
  readonly #stays: Int32Array;
  /** Of a row. */
  readonly #words: number;
  /** The last place: all of the pattern was met. */
  readonly #end: number;
  readonly #endsOpen: boolean;

  /** @param pattern of ASCII, with nothing behind a backslash but what may be */
  constructor(pattern: string) {
    const characters: (number | 'any')[] = [];
    const stays: number[] = [];
    for (let at = 0; at < pattern.length; at++) {
      const character = pattern[at];
      if (character === '*') stays.push(characters.length);
      else if (character === '?') characters.push('any');
      else characters.push(pattern.charCodeAt(character === '\\' ? ++at : at));
    }
    this.#end = characters.length;
    this.#words = Math.floor(this.#end / WORD_BITS) + 1;
    this.#endsOpen = stays.at(-1) === this.#end;
    this.#stays = new Int32Array(this.#words);
    for (const place of stays) setBit(this.#stays, 0, place);

    const named = [...new Set(characters)].filter((character) => character !== 'any');
    this.#advances = new Int32Array((named.length + 1) * this.#words);
    for (const [row, own] of [undefined, ...named].entries()) {
      if (own !== undefined) this.#rows[own] = row;
      for (const [place, character] of characters.entries())
        if (character === 'any' || character === own) setBit(this.#advances, row * this.#words, place);
    }
  }

  matches(text: string): boolean {
    return this.#words === 1 ? this.#matchesShort(text) : this.#matchesLong(text);
  }

  /** As `#matchesLong`, in one word: nearly all patterns are that short, and this is some times as fast. */
  #matchesShort(text: string): boolean {
    const stays = this.#stays[0] ?? 0;
    const end = 1 << this.#end;
    let places = 1;
    for (let at = 0; at < text.length; at++) {
      if (this.#endsOpen && (places & end) !== 0) return true;
      const advances = this.#advances[this.#rows[text.charCodeAt(at)] ?? 0] ?? 0;
      places = ((places & advances) << 1) | (places & stays);
      if (places === 0) return false;
    }
    return (places & end) !== 0;
  }

  #matchesLong(text: string): boolean {
    const places = new Int32Array(this.#words);
    places[0] = 1;
    for (let at = 0; at < text.length; at++) {
      if (this.#endsOpen && hasBit(places, this.#end)) return true;
      const row = (this.#rows[text.charCodeAt(at)] ?? 0) * this.#words;
      let [carry, alive] = [0, 0];
      for (let word = 0; word < this.#words; word++) {
        const before = places[word] ?? 0;
        const moved = before & (this.#advances[row + word] ?? 0);
        const after = (moved << 1) | carry | (before & (this.#stays[word] ?? 0));
        places[word] = after;
        carry = moved >>> (WORD_BITS - 1);
        alive |= after;
      }
      if (alive === 0) return false;
    }
    return hasBit(places, this.#end);
  }
}

/** @param from the first word */
function setBit(words: Int32Array, from: number, place: number): void {
  const word = from + Math.floor(place / WORD_BITS);
  words[word] = (words[word] ?? 0) | (1 << (place % WORD_BITS));
}

function hasBit(words: Int32Array, place: number): boolean {
  return ((words[Math.floor(place / WORD_BITS)] ?? 0) & (1 << (place % WORD_BITS))) !== 0;
}
