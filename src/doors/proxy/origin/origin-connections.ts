import type { Clock } from '../../../base/clock.ts';
import type { ConnectionHolder, ConnectionLimit } from './connection-limit.ts';
import { OriginConnection } from './origin-connection.ts';

export interface OriginConnectionsOptions {
  readonly host: string;
  readonly port: number;
  readonly limit: ConnectionLimit;
  /** How long a connection is kept that nobody uses, in ms. */
  readonly keepIdle: number;
  readonly clock: Clock;
}

/** Who wants a connection. */
export interface ConnectionSeeker {
  /** Has it. @param isNew it may not stand yet */
  found(connection: OriginConnection, isNew: boolean): void;
  /** There will be none, as all are closed. */
  closed(): void;
}

interface Waiting {
  readonly seeker: ConnectionSeeker;
  /** Of those alone that nobody has used. */
  readonly wantsNew: boolean;
  /** By which it waits for a slot. */
  readonly onAcquired: () => boolean;
  stopWaiting: () => void;
}

/** Of the limit that an origin announces this much is not used: it would close while we write. */
const BEFORE_ITS_END_MS = 1_000;

/** The connections to one origin that are kept between requests; the one that was used last goes first. */
export class OriginConnections implements ConnectionHolder {
  readonly #options: OriginConnectionsOptions;
  readonly #all = new Set<OriginConnection>();
  readonly #idle: OriginConnection[] = [];
  readonly #waiting = new Set<Waiting>();
  #isClosed = false;

  constructor(options: OriginConnectionsOptions) {
    this.#options = options;
    options.limit.join(this);
  }

  /**
   * Takes one, at once or when there is one.
   * @param wantsNew of those alone that nobody has used
   * @returns ends the waiting
   */
  take(seeker: ConnectionSeeker, wantsNew = false): () => void {
    if (this.#isClosed) {
      seeker.closed();
      return () => {};
    }
    for (let idle = wantsNew ? undefined : this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (!idle.isUsable) continue;
      seeker.found(idle, false);
      return () => {};
    }
    const onAcquired = (): boolean => {
      this.#waiting.delete(waiting);
      seeker.found(this.#open(), true);
      return true;
    };
    const waiting: Waiting = { seeker, wantsNew, onAcquired, stopWaiting: () => {} };
    this.#waiting.add(waiting);
    waiting.stopWaiting = this.#options.limit.acquire(onAcquired);
    return () => {
      this.#waiting.delete(waiting);
      waiting.stopWaiting();
    };
  }

  /** It has served its request, and all of its answer was read. @param keptSeconds by the origin, where it says so */
  release(connection: OriginConnection, keptSeconds: number | undefined): void {
    const { keepIdle, limit } = this.#options;
    const announced = keptSeconds === undefined ? keepIdle : keptSeconds * 1000 - BEFORE_ITS_END_MS;
    const [waiting] = this.#waiting;
    const isTheirs = waiting !== undefined && !waiting.wantsNew && limit.isNext(waiting.onAcquired);
    if (this.#isClosed || !connection.isUsable || announced <= 0 || (limit.isWanted && !isTheirs)) {
      connection.close();
      return;
    }
    connection.release(Math.min(keepIdle, announced));
    if (!isTheirs) {
      this.#idle.push(connection);
      return;
    }
    this.#waiting.delete(waiting);
    waiting.stopWaiting();
    waiting.seeker.found(connection, false);
  }

  closeIdle(): boolean {
    const idle = this.#idle.shift();
    idle?.close();
    return idle !== undefined;
  }

  /** All that nobody uses. */
  closeAllIdle(): void {
    while (this.closeIdle());
  }

  /** Those in use, too; and nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    for (const { seeker, stopWaiting } of this.#waiting) {
      stopWaiting();
      seeker.closed();
    }
    this.#waiting.clear();
    for (const connection of this.#all) connection.cut();
  }

  #open(): OriginConnection {
    const { host, port, clock, limit } = this.#options;
    const connection = new OriginConnection(host, port, clock, (closed) => {
      this.#all.delete(closed);
      const at = this.#idle.indexOf(closed);
      if (at !== -1) this.#idle.splice(at, 1);
      limit.release();
    });
    this.#all.add(connection);
    return connection;
  }
}
