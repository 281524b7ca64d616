import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  rmSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join, posix } from 'node:path';
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
}

/** What a restored output looks like to `lstat`, so that the next run can tell that it is untouched. */
export interface RestoredOutput {
  readonly record: OutputRecord;
  readonly stats: Stats;
}

/**
 * Makes the outputs exactly what the artifact holds: what it does not hold is removed, what
 * is there is replaced, never written through (an output may be a hard link into a store).
 */
export async function restoreOutputs(
  records: readonly OutputRecord[],
  contents: AsyncIterable<OutputEvent>,
  options: RestoreOptions,
): Promise<RestoredOutput[]> {
  removeOthers(records, options);
  const writer = new OutputWriter(options);
  for await (const event of contents) {
    if (event.type === 'output') writer.begin(event.output);
    else writer.write(event.chunk);
  }
  return writer.finish();
}

/**
 * Removes everything that the task's patterns mean and no other task's do, and the folders that this empties.
 * @param keep what stays all the same
 */
export function removeOutputs(
  { outputs, folder }: RestoreOptions,
  keep: (path: string, kind: FoundOutput['kind']) => boolean = () => false,
): void {
  const emptied = new Set<string>();
  for (const { path, kind } of outputs.find()) {
    if (keep(path, kind) || outputs.isShared(path) || !outputs.matches(path)) continue;
    const absolute = join(folder, path);
    if (kind === 'directory') rmdirIfEmpty(absolute);
    else rmSync(absolute, { force: true });
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent))
      emptied.add(parent);
  }
  // Deepest first. An output folder that is itself a link stays: it is how the workspace is laid out.
  for (const parent of [...emptied].sort().reverse())
    if (outputs.matches(parent)) rmdirIfEmpty(join(folder, parent));
}

function removeOthers(records: readonly OutputRecord[], options: RestoreOptions): void {
  const kept = new Map(records.map(({ path, kind }) => [path, kind]));
  removeOutputs(options, (path, kind) => kept.get(path) === kind);
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
  readonly #restored: RestoredOutput[] = [];
  /** Links come last, so that nothing is ever written through one of them. */
  readonly #links: (OutputRecord & { kind: 'link' })[] = [];
  #open: { readonly record: OutputRecord; readonly descriptor: number } | undefined;

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
        this.#restored.push({ record, stats: lstatSync(absolute) });
        break;
      case 'file': {
        if (!parentIsNew) unlinkIfThere(absolute);
        const descriptor = openSync(absolute, NEW_FILE, record.mode);
        if ((record.mode & this.#umask) !== 0) fchmodSync(descriptor, record.mode);
        this.#open = { record, descriptor };
        break;
      }
    }
  }

  write(chunk: Buffer): void {
    if (!this.#open) throw new Error('unreachable: bytes without a file');
    for (let rest = chunk; rest.length > 0; ) rest = rest.subarray(writeSync(this.#open.descriptor, rest));
  }

  finish(): RestoredOutput[] {
    this.#closeFile();
    const { folder, workspaceRoot } = this.#options;
    // They were looked at before, but what has been removed since may have led elsewhere.
    assertLinksInside(this.#links, folder, workspaceRoot);
    for (const record of this.#links) {
      const absolute = join(folder, record.path);
      unlinkIfThere(absolute);
      symlinkSync(record.target, absolute);
      this.#restored.push({ record, stats: lstatSync(absolute) });
    }
    return this.#restored;
  }

  #closeFile(): void {
    if (!this.#open) return;
    const { record, descriptor } = this.#open;
    this.#open = undefined;
    this.#restored.push({ record, stats: fstatSync(descriptor) });
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
