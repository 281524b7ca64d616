import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { codeOrName, ERRORS, type ErrorCode, VelocityError } from '../../base/errors.ts';
import { type LostLine, parseLostLine, TRANSACTIONS_PATH } from '../../wire/proxy-admin.ts';
import { parseTransaction, type Transaction } from '../../wire/transaction.ts';

/** More than a proxy keeps. */
export const ALL_KEPT = 999_999_999;

interface Wanted {
  /** How many to look back. */
  readonly last: number;
  /** Whether to go on with those that come. */
  readonly follows: boolean;
}

export interface AdminQuestion<T> {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  /** Sent as JSON. */
  readonly message?: object;
  /** `undefined`: it is no answer to this question. */
  readonly parse: (reply: unknown) => T | undefined;
}

/** Asks a caching proxy over its admin socket. What it throws is a VelocityError `PROXY_UNREACHABLE`, in words, unless that was said. */
export class AdminClient {
  readonly #path: string;
  readonly #signal: AbortSignal;

  /** @param signal breaks off what is asked, which is then no failure of what is followed */
  constructor(path: string, signal: AbortSignal) {
    this.#path = path;
    this.#signal = signal;
  }

  get<T>(path: string, parse: (raw: unknown) => T | undefined): Promise<T> {
    return this.ask({ path, parse });
  }

  /** @throws VelocityError also what the proxy refused in its own words, as `USAGE` where the question was wrong */
  async ask<T>({ method = 'GET', path, message, parse }: AdminQuestion<T>): Promise<T> {
    const body = message === undefined ? undefined : JSON.stringify(message);
    const answer = await this.#send(method, path, body);
    const said = await text(answer).catch((error: unknown) => {
      throw this.#gone(error);
    });
    if (answer.statusCode !== 200) throw this.#refusal(answer.statusCode, parsedJson(said));
    return this.#parsed(said, parse);
  }

  /** Lines as they come. Ends after those that were, or with the signal; that the proxy ends is a failure. */
  async *transactions({ last, follows }: Wanted): AsyncIterable<Transaction | LostLine> {
    const query = new URLSearchParams({ last: String(last), ...(follows && { follow: '1' }) });
    try {
      const answer = await this.#send('GET', `${TRANSACTIONS_PATH}?${query}`);
      if (answer.statusCode !== 200) {
        answer.resume();
        throw this.#says(answer.statusCode);
      }
      for await (const line of linesOf(answer))
        yield this.#parsed<Transaction | LostLine>(
          line,
          (raw) => parseLostLine(raw) ?? parseTransaction(raw),
        );
    } catch (error) {
      if (this.#signal.aborted) return;
      throw error instanceof VelocityError ? error : this.#gone(error);
    }
    if (follows && !this.#signal.aborted) throw this.#gone();
  }

  #send(method: string, path: string, body?: string): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = {
      host: 'localhost',
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const options = { method, path, headers, agent: false, socketPath: this.#path, signal: this.#signal };
    const asking = request(options, resolve);
    asking.once('error', (error) => reject(this.#unreachable(codeOrName(error), error)));
    asking.end(body);
    return promise;
  }

  #parsed<T>(line: string, parse: (raw: unknown) => T | undefined): T {
    const parsed = parse(parsedJson(line));
    if (parsed !== undefined) return parsed;
    throw new VelocityError(
      'PROXY_UNREACHABLE',
      `What answers at ${this.#path} is not a caching proxy, or one of another version.`,
    );
  }

  #refusal(status: number | undefined, reply: unknown): VelocityError {
    const { code, detail } = (reply ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
    if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code) || typeof detail !== 'string')
      return this.#says(status);
    return new VelocityError(status === ERRORS.BAD_REQUEST.status ? 'USAGE' : (code as ErrorCode), detail);
  }

  #says(status: number | undefined): VelocityError {
    return new VelocityError('PROXY_UNREACHABLE', `What answers at ${this.#path} says ${status}.`);
  }

  #unreachable(why: string, cause?: unknown): VelocityError {
    const message = `No caching proxy answers at ${this.#path} (${why}). Is one running? Name its socket with --socket.`;
    return new VelocityError('PROXY_UNREACHABLE', message, { cause });
  }

  #gone(cause?: unknown): VelocityError {
    return new VelocityError('PROXY_UNREACHABLE', `The caching proxy at ${this.#path} has ended.`, { cause });
  }
}

function parsedJson(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return undefined; // and so no answer to anything
  }
}

async function* linesOf(answer: IncomingMessage): AsyncIterable<string> {
  let rest = '';
  for await (const piece of answer.setEncoding('utf8')) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
