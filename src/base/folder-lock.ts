import { readlink, rename, rm, symlink } from 'node:fs/promises';
import { systemCode, VelocityError } from './errors.ts';
import { formatIdentity, isAlive, parseIdentity, thisProcess } from './process-identity.ts';

/** Others may come and go at the same moment; whoever still holds it after so many looks holds it. */
const LOOKS = 5;

/**
 * Says that a process uses a folder: a symbolic link whose text names it, made in one step and never empty. It keeps out
 * another process of this machine that lives. Of one on another machine, or in another container, nobody here can tell
 * whether it lives, and a container that is made anew has a new name: its lock is taken over.
 */
export class FolderLock {
  readonly #path: string;
  readonly #identity: string;

  private constructor(path: string, identity: string) {
    this.#path = path;
    this.#identity = identity;
  }

  /**
   * Where no lock can be made, as on a full disk or one without links, the folder is used without.
   * @param what the folder is for, as `the cache folder`
   * @throws VelocityError `STORAGE_UNAVAILABLE` where a process that lives holds it
   */
  static async take(path: string, what: string): Promise<FolderLock> {
    const identity = formatIdentity(thisProcess());
    const lock = new FolderLock(path, identity);
    for (let look = 1; ; look++) {
      try {
        await symlink(identity, path);
        return lock;
      } catch (error) {
        if (systemCode(error) !== 'EEXIST' || look === LOOKS) return lock;
      }
      const text = await readlink(path).catch(() => ''); // no link, or gone in this moment
      const holder = parseIdentity(text);
      if (holder && isAlive(holder)) {
        throw new VelocityError(
          'STORAGE_UNAVAILABLE',
          `Process ${holder.pid} uses ${what}. Give each server a folder of its own. (${path})`,
        );
      }
      await removeAbandoned(path, text, identity);
    }
  }

  /** A lock that was taken over is another's and stays. */
  async release(): Promise<void> {
    const text = await readlink(this.#path).catch(() => undefined);
    if (text === this.#identity) await rm(this.#path, { force: true }).catch(() => {});
  }
}

/** Aside first: another process may have found it abandoned, too, and taken it since. */
async function removeAbandoned(path: string, text: string, identity: string): Promise<void> {
  const aside = `${path}.${identity}`;
  try {
    await rename(path, aside);
    const found = await readlink(aside).catch(() => '');
    if (found !== text) await symlink(found, path);
    await rm(aside, { recursive: true, force: true });
  } catch {
    // Its holder was done in this moment, or yet another has come: the next look says so.
  }
}
