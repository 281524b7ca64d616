import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { codeOrName, VelocityError } from '../../base/errors.ts';
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

/** Asks a caching proxy over its admin socket. What it throws is a VelocityError `PROXY_UNREACHABLE`, in words. */
export class AdminClient {
  readonly #path: string;
  readonly #signal: AbortSignal;

  /** @param signal breaks off what is asked, which is then no failure of what is followed */
  constructor(path: string, signal: AbortSignal) {
    this.#path = path;
    this.#signal = signal;
  }

  async get<T>(path: string, parse: (raw: unknown) => T | undefined): Promise<T> {
    const answer = await this.#ask(path);
    const said = await text(answer).catch((error: unknown) => {
      throw this.#gone(error);
    });
    return this.#parsed(said, parse);
  }

  /** Lines as they come. Ends after those that were, or with the signal; that the proxy ends is a failure. */
  async *transactions({ last, follows }: Wanted): AsyncIterable<Transaction | LostLine> {
    const query = new URLSearchParams({ last: String(last), ...(follows && { follow: '1' }) });
    try {
      const answer = await this.#ask(`${TRANSACTIONS_PATH}?${query}`);
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

  #ask(path: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const asking = request({ socketPath: this.#path, path, agent: false, signal: this.#signal });
      asking.once('error', (error) => reject(this.#unreachable(codeOrName(error), error)));
      asking.once('response', (answer) => {
        if (answer.statusCode === 200) resolve(answer);
        else {
          answer.resume();
          reject(this.#unreachable(`status ${answer.statusCode}`));
        }
      });
      asking.end();
    });
  }

  #parsed<T>(line: string, parse: (raw: unknown) => T | undefined): T {
    let raw: unknown;
    try {
      raw = JSON.parse(line);
    } catch {
      // told below
    }
    const parsed = parse(raw);
    if (parsed !== undefined) return parsed;
    throw new VelocityError(
      'PROXY_UNREACHABLE',
      `What answers at ${this.#path} is not a caching proxy, or one of another version.`,
    );
  }

  #unreachable(why: string, cause?: unknown): VelocityError {
    const message = `No caching proxy answers at ${this.#path} (${why}).`;
    return new VelocityError('PROXY_UNREACHABLE', message, { cause });
  }

  #gone(cause?: unknown): VelocityError {
    return new VelocityError('PROXY_UNREACHABLE', `The caching proxy at ${this.#path} has ended.`, { cause });
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
