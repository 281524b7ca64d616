/** A folder with tasks of its own. */
export interface Package {
  /** From its manifest, else its folder's name. Unique in the workspace. */
  readonly name: string;
  /** From the workspace root with forward slashes; `''` is the root itself. */
  readonly directory: string;
  readonly manifest: Manifest;
}

/** What a package's manifest says, whatever its language. */
export interface Manifest {
  /** The file it was read from, from the workspace root; `undefined` where the folder has none. */
  readonly file: string | undefined;
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** npm scripts by name; empty for other languages. */
  readonly scripts: Readonly<Record<string, string>>;
  /** What it depends on, as written; which of these are packages of the workspace is for the package graph to say. */
  readonly dependencies: readonly DeclaredDependency[];
  /** npm's own fields, for the lockfile; `undefined` for other languages. */
  readonly npm: NpmManifest | undefined;
}

export type DeclaredDependency =
  /** By a name that may be a package's. */
  | { readonly name: string }
  /** By a folder, from the workspace root. */
  | { readonly directory: string };

export interface NpmManifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  /** Yarn's forced versions, at the root. */
  readonly resolutions?: Readonly<Record<string, string>>;
}
