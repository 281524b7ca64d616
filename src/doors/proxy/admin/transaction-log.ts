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

/** The last transactions, those who follow them, and what was counted of all. It costs a request a fraction of a microsecond. */
export class TransactionLog {
  readonly #ring: (Transaction | undefined)[];
  readonly #feeds = new Set<TransactionFeed>();
  readonly #feedLimit: number;
  readonly #tallies = new TransactionTallies();
  readonly #clock: Clock;
  readonly #begunAt: number;
  /** Where the next one goes. */
  #next = 0;
  #lostLines = 0;

  constructor({ clock, capacity = CAPACITY, feedLimit = FEED_LIMIT }: TransactionLogOptions) {
    this.#ring = new Array<Transaction | undefined>(capacity).fill(undefined);
    this.#feedLimit = feedLimit;
    this.#clock = clock;
    this.#begunAt = clock.elapsed();
  }

  /** To be handed to whoever answers requests. */
  readonly add: OnTransaction = (transaction) => {
    this.#tallies.add(transaction);
    const kept = shortened(transaction);
    this.#ring[this.#next] = kept;
    this.#next = this.#next + 1 === this.#ring.length ? 0 : this.#next + 1;
    if (this.#feeds.size > 0) for (const feed of this.#feeds) feed.add(kept);
  };

  /** The last ones, the oldest first, as many as are kept of those that are asked for. */
  last(count: number): readonly Transaction[] {
    const inOrder = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
    const kept = inOrder.filter((transaction) => transaction !== undefined);
    return kept.slice(Math.max(0, kept.length - count));
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
