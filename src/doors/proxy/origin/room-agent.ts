import * as http from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionRoom, RoomMember } from './connection-room.ts';

type OnConnection = (error: Error | null, connection: Duplex) => void;

/** An agent that is not the only one to have connections to its origin. */
export class RoomAgent extends http.Agent implements RoomMember {
  readonly #room: ConnectionRoom;

  constructor(options: http.AgentOptions, room: ConnectionRoom) {
    super(options);
    this.#room = room;
    room.join(this);
  }

  override createConnection(options: http.ClientRequestArgs, onConnection?: OnConnection): undefined {
    this.#room.enter(() => {
      const socket = super.createConnection(options) as Socket;
      socket.once('close', () => this.#room.leave());
      onConnection?.(null, socket);
    });
  }

  override keepSocketAlive(socket: Duplex): boolean {
    return !this.#room.isWanted && (super.keepSocketAlive(socket) as unknown as boolean);
  }

  closeIdle(): boolean {
    const [socket] = Object.values(this.freeSockets).flat();
    socket?.destroy();
    return socket !== undefined;
  }
}
