/** What a lockfile says, package by package. */
export interface Lockfile {
  /** File name at the workspace root, e.g. `package-lock.json`. */
  readonly file: string;
  /**
   * Every external package reachable from the workspace package in `directory`
   * ('' is the root, else `packages/a`, forward slashes), sorted by key. The value is
   * its integrity, else its resolution, else ''.
   *
   * The key is `name@version`, plus what tells apart two installs of one version:
   * peers and patches as the lockfile writes them, and, where the closure holds several
   * versions of a name, ` > name@version` at each package that depends on one of them and
   * ` (direct)` at the one that the workspace package itself gets. So a move from one
   * version to another shows even when both stay in the closure.
   *
   * `undefined` when the lockfile does not know that package or lacks something it
   * depends on; the caller then falls back to the digest of the whole file. Other
   * workspace packages are neither listed nor walked through: they have keys of their own.
   */
  closureOf(directory: string): ReadonlyMap<string, string> | undefined;
}

/** Dependency names and their ranges, as in a manifest. */
export type Ranges = Readonly<Record<string, string>> | undefined;

/** The part of a `package.json` that readers ask for where a lockfile does not repeat it. */
export interface MemberManifest {
  readonly dependencies?: Ranges;
  readonly devDependencies?: Ranges;
  readonly optionalDependencies?: Ranges;
  readonly peerDependencies?: Ranges;
  /** Yarn's forced versions; only those of the root count. */
  readonly resolutions?: Ranges;
}

/** One package of the workspace, the root included. */
export interface WorkspaceMember {
  readonly directory: string;
  readonly name: string;
  readonly manifest: MemberManifest;
}
