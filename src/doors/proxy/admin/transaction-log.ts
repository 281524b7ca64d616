import type { Clock } from '../../../base/clock.ts';
import type { HistogramReply, StatsReply } from '../../../wire/proxy-admin.ts';
import type { OnTransaction, Transaction } from '../transaction.ts';
import { TransactionFeed } from './transaction-feed.ts';
import { TransactionTallies } from './transaction-tallies.ts';

interface TransactionLogOptions {
  readonly clock: Clock;
  /** How many transactions are kept to look back on. */
  readonly capacity?: number;
  /** How many may wait for one follower. */
  readonly feedLimit?: number;
}

const CAPACITY = 10_000;
const FEED_LIMIT = 1_000;
/** Of what a client makes as long as it likes; so the log takes some 30 MB at most. */
const MAX_TEXT_LENGTH = 1_024;

/** One of the last; written over by a later one. */
type Slot = { -readonly [Field in keyof Transaction]: Transaction[Field] };

/**
 * The last transactions, those who follow them, and what was counted of all. It costs a request a fraction of a microsecond:
 * what is kept is copied into objects that are there for good, for ten thousand new ones a second or more that live a
 * fraction of one are what a garbage collector stops everything for.
 */
export class TransactionLog {
  readonly #capacity: number;
  readonly #ring: Slot[] = [];
  readonly #feeds = new Set<TransactionFeed>();
  readonly #feedLimit: number;
  readonly #tallies = new TransactionTallies();
  readonly #clock: Clock;
  readonly #begunAt: number;
  /** Where the next one goes. */
  #next = 0;
  #lostLines = 0;

  constructor({ clock, capacity = CAPACITY, feedLimit = FEED_LIMIT }: TransactionLogOptions) {
    this.#capacity = capacity;
    this.#feedLimit = feedLimit;
    this.#clock = clock;
    this.#begunAt = clock.elapsed();
  }

  /** To be handed to whoever answers requests. */
  readonly add: OnTransaction = (transaction) => {
    this.#tallies.add(transaction);
    const kept = shortened(transaction);
    const slot = this.#ring[this.#next];
    if (slot) writeOver(slot, kept);
    else this.#ring.push({ ...kept });
    this.#next = this.#next + 1 === this.#capacity ? 0 : this.#next + 1;
    if (this.#feeds.size > 0) for (const feed of this.#feeds) feed.add(kept);
  };

  /** The last ones, the oldest first, as many as are kept of those that are asked for. */
  last(count: number): readonly Transaction[] {
    const inOrder = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
    return inOrder.slice(Math.max(0, inOrder.length - count)).map((slot) => ({ ...slot }));
  }

  /** All that come from now on, until the feed is closed. */
  follow(): TransactionFeed {
    const onLost = (): void => void this.#lostLines++;
    const feed = new TransactionFeed(this.#feedLimit, onLost, () => this.#feeds.delete(feed));
    this.#feeds.add(feed);
    return feed;
  }

  get stats(): Omit<StatsReply, 'gauges'> {
    return {
      uptimeMs: Math.round(this.#clock.elapsed() - this.#begunAt),
      ...this.#tallies.counts,
      followers: this.#feeds.size,
      lostLines: this.#lostLines,
    };
  }

  get histogram(): HistogramReply {
    return this.#tallies.histogram;
  }
}

/** Field by field: that is what the compiler of the engine makes the fastest code of. */
function writeOver(slot: Slot, transaction: Transaction): void {
  slot.id = transaction.id;
  slot.startedAt = transaction.startedAt;
  slot.client = transaction.client;
  slot.method = transaction.method;
  slot.host = transaction.host;
  slot.target = transaction.target;
  slot.status = transaction.status;
  slot.outcome = transaction.outcome;
  slot.detail = transaction.detail;
  slot.backend = transaction.backend;
  slot.backendMs = transaction.backendMs;
  slot.totalMs = transaction.totalMs;
  slot.sentBytes = transaction.sentBytes;
}

function shortened(transaction: Transaction): Transaction {
  const { method, host, target } = transaction;
  if (method.length + host.length + target.length <= MAX_TEXT_LENGTH) return transaction;
  return { ...transaction, method: cut(method), host: cut(host), target: cut(target) };
}

/** As a text of its own: a part of a text would hold the whole of it in memory. */
function cut(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH) return text;
  return `${Buffer.from(text.slice(0, MAX_TEXT_LENGTH), 'utf16le').toString('utf16le')}…`;
}
