export interface StoredBytes {
  readonly name: string;
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly contentEncoding: string | undefined;
  readonly cacheControl: string | undefined;
  /** Others that are sent as they came: `content-language`, `content-disposition`. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface TestObject extends StoredBytes {
  readonly generation: string;
  readonly updatedAt: number;
}

/** Objects by name, in memory. A write is one synchronous step: of two with a condition one wins. */
export class TestBucket {
  readonly #objects = new Map<string, TestObject>();
  #generations = 1_700_000_000_000_000n;

  get(name: string): TestObject | undefined {
    return this.#objects.get(name);
  }

  /** Whether a write with this `if-generation-match` may happen now. */
  admits(name: string, ifGenerationMatch: string | undefined): boolean {
    return (
      ifGenerationMatch === undefined || ifGenerationMatch === (this.#objects.get(name)?.generation ?? '0')
    );
  }

  put(object: StoredBytes, ifGenerationMatch: string | undefined): TestObject | 'precondition-failed' {
    if (!this.admits(object.name, ifGenerationMatch)) return 'precondition-failed';
    const stored = { ...object, generation: String(++this.#generations), updatedAt: Date.now() };
    this.#objects.set(object.name, stored);
    return stored;
  }

  delete(name: string): boolean {
    return this.#objects.delete(name);
  }

  /** In the byte order of UTF-8; from `startOffset` on, that name included. */
  list(prefix: string, startOffset: string): TestObject[] {
    return [...this.#objects.values()]
      .filter(({ name }) => name.startsWith(prefix) && byteOrder(name, startOffset) >= 0)
      .sort((a, b) => byteOrder(a.name, b.name));
  }
}

function byteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
