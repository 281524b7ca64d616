import { type FSWatcher, realpathSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { messageOf, VelocityError } from '../base/errors.ts';
import { describeMistake, type Mistake } from '../config/mistake.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { BearerTokens, KnownToken } from './bearer.ts';
import type { OidcVerifier } from './oidc.ts';
import { readTokenFile } from './token-file.ts';

/** An editor may write in several steps; they are read as one. Short, for revoking is meant to be at once. */
const SETTLE_MS = 50;

export interface LiveTokensOptions {
  /** Path of the token file. */
  readonly file: string;
  /** Known besides those of the file. */
  readonly fixed: readonly KnownToken[];
  readonly tokens: BearerTokens;
  readonly oidc: OidcVerifier;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Keeps tokens and issuers as their file says, while the server runs. A file that cannot be read, or has mistakes, changes
 * nothing: the tokens that were known stay known, and the log says what is wrong.
 */
export class LiveTokens {
  readonly #options: LiveTokensOptions;
  readonly #watchers: FSWatcher[] = [];
  #cancelReload = (): void => {};

  /** @throws VelocityError `TOKENS_INVALID`: there is nothing older to go on with. */
  constructor(options: LiveTokensOptions) {
    this.#options = options;
    const mistakes = this.#read();
    if (mistakes) {
      throw new VelocityError('TOKENS_INVALID', `The token file is wrong: ${told(mistakes).join('; ')}.`);
    }
    this.#watch();
  }

  /** Reads the file again, now. */
  reload(): void {
    const { file, logger } = this.#options;
    this.#cancelReload();
    const mistakes = this.#read();
    if (mistakes) {
      const what = 'the token file has mistakes: the tokens known before stay as they were';
      logger.error({ file, mistakes: told(mistakes) }, what);
      return;
    }
    logger.info({ file }, 'the token file was read');
  }

  close(): void {
    this.#cancelReload();
    for (const watcher of this.#watchers) watcher.close();
  }

  /** The mistakes that keep the tokens as they were. */
  #read(): readonly Mistake[] | undefined {
    const { file, fixed, tokens, oidc } = this.#options;
    const read = readTokenFile(file);
    if (!read.ok) return read.mistakes;
    tokens.replace([...fixed, ...read.value.tokens]);
    oidc.replace(read.value.issuers);
    return undefined;
  }

  /**
   * Folders are watched, not the file: who replaces a file as a whole puts another one in its place. Where it is a
   * link, that may happen at either end. A mounted Kubernetes secret changes by a link whose name begins with two dots.
   */
  #watch(): void {
    const { file, logger, clock } = this.#options;
    const unwatched = (error: unknown): void =>
      logger.warn(
        { file, reason: messageOf(error) },
        'the token file is not watched: send SIGHUP after a change',
      );
    const changed = (): void => {
      this.#cancelReload();
      this.#cancelReload = clock.after(SETTLE_MS, () => this.reload());
    };
    try {
      const ends = [file, realpathSync(file)];
      for (const folder of new Set(ends.map((end) => realpathSync(dirname(end))))) {
        const watcher = watch(folder, { persistent: false }, (_event, name) => {
          if (name === null || name.startsWith('..') || ends.some((end) => basename(end) === name)) changed();
        });
        this.#watchers.push(watcher.on('error', unwatched));
      }
    } catch (error) {
      unwatched(error); // no watches left, or a file system without
    }
  }
}

/** One line each: a log has no room for the lines around a mistake. */
function told(mistakes: readonly Mistake[]): string[] {
  return mistakes.map(describeMistake);
}
