/** Seconds, whole, from 0 to `MOST_SECONDS`. */
export type Seconds = number;

/** Stands for every larger number. RFC 9111 §1.2.2. */
export const MOST_SECONDS: Seconds = 2 ** 31;

/** What a response says about being kept and reused, whichever field said it. RFC 9111 §5.2.2, RFC 5861. */
export interface ResponseDirectives {
  readonly noStore: boolean;
  /** Of the whole response; where only fields are named, `noCacheFields` has them. */
  readonly noCache: boolean;
  /** In lower case. */
  readonly noCacheFields: readonly string[];
  /** Of the whole response, like `noCache`. */
  readonly private: boolean;
  readonly privateFields: readonly string[];
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  /** 0 where it is not a number: freshness that cannot be read is none. RFC 9111 §4.2.1. */
  readonly maxAge: Seconds | undefined;
  readonly sMaxage: Seconds | undefined;
  /** `undefined` where it is not a number, too: it would permit. */
  readonly staleWhileRevalidate: Seconds | undefined;
  readonly staleIfError: Seconds | undefined;
}

/** What a client says of the response it wants. RFC 9111 §5.2.1. What cannot be read is as good as absent. */
export interface RequestDirectives {
  readonly noStore: boolean;
  readonly noCache: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAge: Seconds | undefined;
  readonly minFresh: Seconds | undefined;
  /** `MOST_SECONDS` where it came without a number. */
  readonly maxStale: Seconds | undefined;
}

/** `undefined` for what is not digits alone. */
export function parseSeconds(text: string): Seconds | undefined {
  return /^\d+$/.test(text) ? Math.min(Number(text), MOST_SECONDS) : undefined;
}
