import { lstatSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestOf } from '../../base/digest.ts';
import type { Lockfile } from './lockfile/lockfile.ts';
import { LOCKFILES, readLockfile } from './lockfile/read-lockfile.ts';
import type { Package } from './package.ts';

interface ReadLockfile {
  readonly lockfile: Lockfile | undefined;
  readonly whole: Digest;
  /** Of the file, from before it was read. */
  readonly stats: Stats;
}

/**
 * What the lockfile pins for each package, as a digest: it changes when, and only when, an
 * external package that this one can reach does. Read when first asked; a lockfile of an
 * unknown form counts as a whole.
 */
export class LockedPackages {
  readonly #root: string;
  readonly #file: string | undefined;
  readonly #packages: readonly Package[];
  #rootClosure: Digest | undefined;
  #read: ReadLockfile | undefined;

  constructor(root: string, file: string | undefined, packages: readonly Package[]) {
    this.#root = root;
    this.#file = file;
    this.#packages = packages;
  }

  /**
   * What the package itself can reach, and what the root can: compilers and test runners are commonly
   * installed there and used by all.
   * @returns `undefined` where there is no lockfile or the package is of another language
   * @throws VelocityError `WORKSPACE_INVALID` for a malformed lockfile
   */
  digestFor({ directory, manifest }: Package): Digest | undefined {
    if (this.#file === undefined || (manifest.npm === undefined && manifest.file !== undefined))
      return undefined;
    this.#read ??= this.#readFile(this.#file);
    const { lockfile, whole } = this.#read;
    this.#rootClosure ??= digestOfClosure(lockfile, '') ?? whole;
    // A folder without a manifest (docs, say) may use what is installed at the root.
    if (manifest.npm === undefined) return this.#rootClosure;
    return digestOf(`${digestOfClosure(lockfile, directory) ?? whole} ${this.#rootClosure}`);
  }

  /** Whether the lockfile is still the one that was read. */
  isUnchanged(): boolean {
    if (this.#file === undefined || this.#read === undefined) return true;
    const { stats } = this.#read;
    const now = lstatSync(join(this.#root, this.#file), { throwIfNoEntry: false });
    return (
      now?.mtimeMs === stats.mtimeMs &&
      now.ctimeMs === stats.ctimeMs &&
      now.size === stats.size &&
      now.ino === stats.ino
    );
  }

  #readFile(file: string): ReadLockfile {
    const path = join(this.#root, file);
    const stats = lstatSync(path);
    const bytes = readFileSync(path);
    const whole = digestOf(bytes);
    if (!(LOCKFILES as readonly string[]).includes(file)) return { lockfile: undefined, whole, stats };
    const workspace = this.#packages.flatMap(({ name, directory, manifest }) =>
      manifest.npm ? [{ name, directory, manifest: manifest.npm }] : [],
    );
    return { lockfile: readLockfile(file, bytes.toString('utf8'), workspace), whole, stats };
  }
}

function digestOfClosure(lockfile: Lockfile | undefined, directory: string): Digest | undefined {
  const closure = lockfile?.closureOf(directory);
  return closure && digestOf(JSON.stringify([...closure]));
}
