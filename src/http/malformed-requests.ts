import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** What is being answered on each connection: more than one where requests are pipelined. */
export class AnswersUnderWay {
  readonly #answersOn = new WeakMap<Duplex, Set<ServerResponse>>();

  keep(socket: Duplex, response: ServerResponse): void {
    const answers = this.#answersOn.get(socket) ?? new Set();
    this.#answersOn.set(socket, answers.add(response));
    response.once('close', () => answers.delete(response));
  }

  on(socket: Duplex): ReadonlySet<ServerResponse> {
    return this.#answersOn.get(socket) ?? NONE;
  }
}

const NONE: ReadonlySet<ServerResponse> = new Set();

/**
 * What Node's parser refuses never becomes a request: it is answered on the socket, and the connection ends.
 * In the middle of another answer it just ends: the client would take what we write for that answer's body.
 */
export function answerMalformed(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  underWay: ReadonlySet<ServerResponse>,
): void {
  const isMidAnswer = [...underWay].some((response) => response.headersSent && !response.writableEnded);
  if (error.code === 'ECONNRESET' || !socket.writable || isMidAnswer) {
    socket.destroy();
    return;
  }
  const [status, reason] = MALFORMED[error.code ?? ''] ?? [400, 'Bad Request'];
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

const MALFORMED: Readonly<Record<string, [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};
