import type { Clock } from '../../../base/clock.ts';
import type { ConnectionRoom, RoomMember } from './connection-room.ts';
import { FastConnection } from './fast-connection.ts';

export interface FastConnectionsOptions {
  readonly host: string;
  readonly port: number;
  readonly room: ConnectionRoom;
  /** How long a connection is kept that nobody uses, in ms. */
  readonly keepIdle: number;
  readonly clock: Clock;
}

/** A connection that was used before, or a new one that may not stand yet. */
type OnConnection = (connection: FastConnection, isNew: boolean) => void;

interface Waiting {
  readonly onConnection: OnConnection;
  leaveRoom(): void;
}

/** Of the limit that an origin announces this much is not used: it would close while we write. */
const BEFORE_ITS_END_MS = 1_000;

/** The connections to one origin that are kept between requests; the one that was used last goes first. */
export class FastConnections implements RoomMember {
  readonly #options: FastConnectionsOptions;
  readonly #all = new Set<FastConnection>();
  readonly #idle: FastConnection[] = [];
  readonly #waiting = new Set<Waiting>();
  #isClosed = false;

  constructor(options: FastConnectionsOptions) {
    this.#options = options;
    options.room.join(this);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Takes one, at once or when there is one.
   * @returns ends the waiting
   */
  take(onConnection: OnConnection): () => void {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (!idle.isUsable) continue;
      onConnection(idle, false);
      return () => {};
    }
    return this.takeNew(onConnection);
  }

  /** Likewise, of those alone that nobody has used. */
  takeNew(onConnection: OnConnection): () => void {
    const { room } = this.#options;
    const waiting: Waiting = { onConnection, leaveRoom: () => {} };
    this.#waiting.add(waiting);
    waiting.leaveRoom = room.enter(() => {
      this.#waiting.delete(waiting);
      onConnection(this.#open(), true);
    });
    return () => {
      this.#waiting.delete(waiting);
      waiting.leaveRoom();
    };
  }

  /** It has served its request, and all of its answer was read. @param keptSeconds by the origin, where it says so */
  release(connection: FastConnection, keptSeconds: number | undefined): void {
    const { keepIdle, room } = this.#options;
    const announced = keptSeconds === undefined ? keepIdle : keptSeconds * 1000 - BEFORE_ITS_END_MS;
    const [waiting] = this.#waiting;
    if (this.#isClosed || !connection.isUsable || announced <= 0 || (!waiting && room.isWanted)) {
      connection.close();
      return;
    }
    connection.release(Math.min(keepIdle, announced));
    if (!waiting) {
      this.#idle.push(connection);
      return;
    }
    this.#waiting.delete(waiting);
    waiting.leaveRoom();
    waiting.onConnection(connection, false);
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

  /** Those in use, too. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#all) connection.cut();
  }

  #open(): FastConnection {
    const { host, port, clock, room } = this.#options;
    const connection = new FastConnection(host, port, clock, (closed) => {
      this.#all.delete(closed);
      const at = this.#idle.indexOf(closed);
      if (at !== -1) this.#idle.splice(at, 1);
      room.leave();
    });
    this.#all.add(connection);
    return connection;
  }
}
