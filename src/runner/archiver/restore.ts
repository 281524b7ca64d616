import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { statsOf } from '../stats-of.ts';
import type { OutputRecord } from './manifest.ts';
import type { FoundOutput, TaskOutputs } from './outputs.ts';
import { assertFolderInside, assertLinksInside } from './safe-paths.ts';
import type { OutputEvent } from './unpack.ts';

export interface RestoreOptions {
  readonly outputs: TaskOutputs;
  /** The package's folder, absolute. */
  readonly folder: string;
  readonly workspaceRoot: string;
  /** What stays although the artifact does not hold it: what another task of the run made. */
  readonly isOthers?: (output: FoundOutput) => boolean;
}

/**
 * Makes the outputs exactly what the artifact holds: what it does not hold is removed, but for what git
 * tracks; what is there is replaced, never written through (an output may be a hard link into a store).
 */
export async function restoreOutputs(
  records: readonly OutputRecord[],
  contents: AsyncIterable<OutputEvent>,
  options: RestoreOptions,
): Promise<void> {
  removeOthers(records, options);
  const writer = new OutputWriter(options);
  for await (const event of contents) {
    if (event.type === 'output') writer.begin(event.output);
    else writer.write(event.chunk);
  }
  writer.finish();
}

/**
 * Removes everything that the task's patterns mean, but for what git tracks, and the folders that this empties.
 * @param found what is there, as `outputs` finds it
 * @param keep what stays all the same
 */
export function removeOutputs(
  { outputs, folder }: Pick<RestoreOptions, 'outputs' | 'folder'>,
  found: readonly FoundOutput[],
  keep: (output: FoundOutput) => boolean = () => false,
): void {
  const emptied = new Set<string>();
  for (const output of found) {
    const { path, kind, tracked } = output;
    if (tracked || !outputs.matches(path) || keep(output)) continue;
    const absolute = join(folder, path);
    despiteModes(absolute, () => {
      if (kind === 'directory') rmdirIfEmpty(absolute);
      else rmSync(absolute, { force: true });
    });
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent))
      emptied.add(parent);
  }
  // Deepest first. An output folder that is itself a link stays: it is how the workspace is laid out.
  for (const parent of [...emptied].sort().reverse()) {
    const absolute = join(folder, parent);
    if (outputs.matches(parent)) despiteModes(absolute, () => rmdirIfEmpty(absolute));
  }
}

function removeOthers(records: readonly OutputRecord[], options: RestoreOptions): void {
  const kept = new Map(records.map(({ path, kind }) => [path, kind]));
  removeOutputs(
    options,
    options.outputs.find(),
    (output) => kept.get(output.path) === output.kind || (options.isOthers?.(output) ?? false),
  );
}

/** A task may leave folders nobody may write to: what lies in them can be changed once they are opened. */
function despiteModes<T>(path: string, change: () => T): T {
  try {
    return change();
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    const parent = dirname(path);
    chmodSync(parent, lstatSync(parent).mode | 0o700);
    return change();
  }
}

function rmdirIfEmpty(path: string): void {
  if (statsOf(path)?.isDirectory() !== true) return;
  try {
    rmdirSync(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOTEMPTY') throw error;
  }
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

class OutputWriter {
  readonly #options: RestoreOptions;
  readonly #umask = process.umask();
  /** Folders that are there by now, and whether they are new: nothing in those needs to be removed. */
  readonly #folders = new Map<string, boolean>([['.', false]]);
  /** Links come last, so that nothing is ever written through one of them. */
  readonly #links: (OutputRecord & { kind: 'link' })[] = [];
  #open: { readonly descriptor: number } | undefined;

  constructor(options: RestoreOptions) {
    this.#options = options;
  }

  begin(record: OutputRecord): void {
    this.#closeFile();
    const absolute = join(this.#options.folder, record.path);
    const parentIsNew = this.#makeFolder(posix.dirname(record.path));
    switch (record.kind) {
      case 'link':
        this.#links.push(record);
        break;
      case 'directory':
        this.#makeFolder(record.path);
        if ((lstatSync(absolute).mode & 0o777) !== record.mode) chmodSync(absolute, record.mode);
        break;
      case 'file': {
        const descriptor = despiteModes(absolute, () => {
          if (!parentIsNew) unlinkIfThere(absolute);
          return openSync(absolute, NEW_FILE, record.mode);
        });
        if ((record.mode & this.#umask) !== 0) fchmodSync(descriptor, record.mode);
        this.#open = { descriptor };
        break;
      }
    }
  }

  write(chunk: Buffer): void {
    if (!this.#open) throw new Error('unreachable: bytes without a file');
    for (let rest = chunk; rest.length > 0; ) rest = rest.subarray(writeSync(this.#open.descriptor, rest));
  }

  finish(): void {
    this.#closeFile();
    const { folder, workspaceRoot } = this.#options;
    // They were looked at before, but what has been removed since may have led elsewhere.
    assertLinksInside(this.#links, folder, workspaceRoot);
    for (const record of this.#links) {
      const absolute = join(folder, record.path);
      unlinkIfThere(absolute);
      symlinkSync(record.target, absolute);
    }
  }

  #closeFile(): void {
    if (!this.#open) return;
    const { descriptor } = this.#open;
    this.#open = undefined;
    closeSync(descriptor);
  }

  /** Makes a folder and those above it; whether it was not there before. */
  #makeFolder(path: string): boolean {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const { folder, workspaceRoot } = this.#options;
    assertFolderInside(path, folder, workspaceRoot);
    const isNew = mkdirSync(join(folder, path), { recursive: true }) !== undefined;
    this.#folders.set(path, isNew);
    return isNew;
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return;
    // A folder stands where a file must; what it held was no output of the artifact and is gone by now.
    if (code === 'EISDIR' || code === 'EPERM') rmdirSync(path);
    else throw error;
  }
}
