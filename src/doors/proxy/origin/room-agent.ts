import * as http from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionRoom, RoomMember } from './connection-room.ts';

type OnSocket = (error: Error | null, socket?: Duplex) => void;

/** What Node's agents open their connections by; its types leave it out, though the agents of others build on it. */
interface OpensSockets {
  createSocket(request: http.ClientRequest, options: http.ClientRequestArgs, onSocket: OnSocket): void;
}

const { createSocket } = http.Agent.prototype as unknown as OpensSockets;

/** An agent that is not the only one to have connections to its origin. */
export class RoomAgent extends http.Agent implements RoomMember, OpensSockets {
  readonly #room: ConnectionRoom;

  constructor(options: http.AgentOptions, room: ConnectionRoom) {
    super(options);
    this.#room = room;
    room.join(this);
    // Before the agent gives it to the next of its own requests.
    this.prependListener('free', (socket: Socket) => {
      if (room.isWanted) socket.destroy();
    });
  }

  /** Opens a connection for a request once there is a place for it, unless that is over by then. */
  createSocket(request: http.ClientRequest, options: http.ClientRequestArgs, onSocket: OnSocket): void {
    this.#room.enter(() => {
      if (request.destroyed) return false; // one without a connection does not say that it is over
      createSocket.call(this, request, options, onSocket);
      return true;
    });
  }

  override createConnection(options: http.ClientRequestArgs): Duplex {
    const socket = super.createConnection(options) as Socket;
    socket.once('close', () => this.#room.leave());
    return socket;
  }

  closeIdle(): boolean {
    const idle = Object.values(this.freeSockets)
      .flat()
      .find((socket) => socket && !socket.destroyed);
    idle?.destroy();
    return idle !== undefined;
  }
}
