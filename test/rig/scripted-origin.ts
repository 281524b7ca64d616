import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** What an origin does on one connection, byte by byte. What it throws, `done` throws. */
export type Script = (connection: ScriptedConnection) => Promise<void>;

/** An origin whose every byte the test writes: the n-th connection runs the n-th script, those beyond are cut. */
export class ScriptedOrigin implements AsyncDisposable {
  readonly url: string;
  /** How many connections came. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #runs: Promise<void>[] = [];

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(scripts: readonly Script[], tls?: TlsOptions): Promise<ScriptedOrigin> {
    const server = tls ? createTlsServer(tls) : createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = new ScriptedOrigin(server, tls ? 'https' : 'http');
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      const script = scripts[origin.connections];
      origin.connections += 1;
      socket.on('error', () => {}); // resets are part of the game
      if (!script) {
        socket.destroy();
        return;
      }
      origin.#sockets.add(socket);
      const run = script(new ScriptedConnection(socket));
      run.catch(() => {}); // until `done` asks for it
      origin.#runs.push(run);
    });
    return origin;
  }

  /** Until all scripts that began have ended. */
  async done(): Promise<void> {
    await Promise.all(this.#runs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}

/** One connection as its script sees it. What was received is taken from its front. */
export class ScriptedConnection {
  readonly #socket: Socket;
  #received = '';
  #isEnded = false;
  #wake = (): void => {};
  /** Until the other side is gone. */
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      for (const event of ['end', 'close']) {
        socket.once(event, () => {
          this.#isEnded = true;
          this.#wake();
          resolve();
        });
      }
    });
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#wake();
    });
  }

  /** A head with its empty line. */
  head(): Promise<string> {
    return this.until('\r\n\r\n');
  }

  /** One head after the other, until the other side is gone. */
  async *heads(): AsyncGenerator<string> {
    for (;;) {
      const head = await this.head().catch(() => undefined);
      if (head === undefined) return;
      yield head;
    }
  }

  /** All up to this text, with it. Throws where the connection ends first. */
  async until(text: string): Promise<string> {
    await this.#enough(() => this.#received.includes(text), text);
    return this.#take(this.#received.indexOf(text) + text.length);
  }

  async bytes(count: number): Promise<string> {
    await this.#enough(() => this.#received.length >= count, `${count} bytes`);
    return this.#take(count);
  }

  /** What came and nobody has taken. */
  get rest(): string {
    return this.#received;
  }

  /** @param text a character a byte */
  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** As `send`, until the other side has room for more. */
  async sendSlowly(text: string): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.write(text, 'latin1', () => resolve()));
  }

  /** Reads no more, so that the other side has to stop writing. */
  stopReading(): void {
    this.#socket.pause();
  }

  end(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #take(count: number): string {
    const taken = this.#received.slice(0, count);
    this.#received = this.#received.slice(count);
    return taken;
  }

  async #enough(isEnough: () => boolean, what: string): Promise<void> {
    while (!isEnough()) {
      if (this.#isEnded) throw new Error(`the connection ended before ${what}; there is ${this.#received}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Where so many scripts and tests wait for each other. */
export class Barrier {
  #missing: number;
  readonly #all = Promise.withResolvers<void>();

  constructor(parties: number) {
    this.#missing = parties;
  }

  async reach(): Promise<void> {
    this.#missing -= 1;
    if (this.#missing === 0) this.#all.resolve();
    await this.#all.promise;
  }
}
