import { lstatSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { digestOf } from '../../base/digest.ts';
import { systemCode } from '../../base/errors.ts';
import { formatIdentity, isAlive, parseIdentity, thisProcess } from '../../base/process-identity.ts';

export interface PlaceLocksOptions {
  /** Where the locks are; made where it is missing. */
  readonly folder: string;
  readonly clock: Clock;
  /** Told once for each place that another run holds. */
  readonly onWait: (place: string) => void;
}

export interface Held extends Disposable {
  /** Another run worked here in the meantime: what was known of the place may be wrong. */
  readonly waited: boolean;
}

/** How often a place that another run holds is looked at again. */
const POLL_MS = 50;
/** A lock of another machine, whose process nobody can ask after. */
const FOREIGN_LOCK_ENDS_MS = 10 * 60_000;

/**
 * Lets one task at a time work in an output folder: of this run, and of every other run in the workspace.
 * Two at once would remove what the other makes, and keep what is half made. A lock is a symbolic link
 * whose text names its holder: made in one step, never empty. Where locks cannot be made, nobody waits.
 */
export class PlaceLocks {
  readonly #options: PlaceLocksOptions;
  readonly #identity = formatIdentity(thisProcess());
  /** What those of this run wait for, the last of each place. */
  readonly #queues = new Map<string, Promise<void>>();
  #folderMade = false;

  constructor(options: PlaceLocksOptions) {
    this.#options = options;
  }

  /** @param places in the same order for all, or two would wait for each other; `undefined` where `signal` came first */
  async hold(places: readonly string[], signal: AbortSignal): Promise<Held | undefined> {
    const releases: (() => void)[] = [];
    const release = (): void => {
      for (const each of releases.splice(0).reverse()) each();
    };
    let waited = false;
    for (const place of places) {
      releases.push(await this.#queue(place));
      const lock = await this.#lock(place, signal);
      if (lock === 'aborted') {
        release();
        return undefined;
      }
      waited ||= lock.waited;
      releases.push(lock.release);
    }
    return { waited, [Symbol.dispose]: release };
  }

  /** Waits for those of this run. */
  async #queue(place: string): Promise<() => void> {
    const before = this.#queues.get(place);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queues.set(place, promise);
    await before;
    return resolve;
  }

  /** Waits for other runs. */
  async #lock(
    place: string,
    signal: AbortSignal,
  ): Promise<{ readonly waited: boolean; readonly release: () => void } | 'aborted'> {
    const path = join(this.#options.folder, digestOf(place).slice(0, 32));
    for (let waited = false; ; waited = true) {
      if (signal.aborted) return 'aborted';
      const outcome = this.#take(path);
      if (outcome === 'taken') return { waited, release: () => rmSync(path, { force: true }) };
      if (outcome === 'impossible') return { waited, release: () => {} };
      if (!waited) this.#options.onWait(place);
      await this.#pause(signal);
    }
  }

  #take(path: string): 'taken' | 'held' | 'impossible' {
    try {
      if (!this.#folderMade) mkdirSync(this.#options.folder, { recursive: true });
      this.#folderMade = true;
      symlinkSync(this.#identity, path);
      return 'taken';
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') return 'impossible';
    }
    return this.#removeIfAbandoned(path) ? this.#take(path) : 'held';
  }

  #removeIfAbandoned(path: string): boolean {
    try {
      const text = readlinkSync(path);
      const holder = parseIdentity(text);
      const alive = holder && isAlive(holder);
      const ageMs = this.#options.clock.now() - lstatSync(path).mtimeMs;
      if (alive === true || (alive === undefined && ageMs < FOREIGN_LOCK_ENDS_MS)) return false;
      // Aside first: another run may have found it abandoned too and taken the place since.
      const aside = `${path}.${this.#identity}`;
      renameSync(path, aside);
      const isTheOne = readlinkSync(aside) === text;
      rmSync(aside, { force: true });
      if (!isTheOne) symlinkSync(text, path);
      return isTheOne;
    } catch (error) {
      return systemCode(error) === 'ENOENT'; // its holder was done in this moment
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      // The clock keeps no process alive, and this one may have nothing else to do.
      const alive = setInterval(() => {}, POLL_MS);
      const cancel = this.#options.clock.after(POLL_MS, done);
      signal.addEventListener('abort', done, { once: true });
      function done(): void {
        cancel();
        clearInterval(alive);
        signal.removeEventListener('abort', done);
        resolve();
      }
    });
  }
}
