import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../../base/errors.ts';
import { meaningOf, type NameMeaning } from './key-path.ts';

/** A file of the store: the bytes of its key as latin1 text, and where it is. */
export interface WalkedFile {
  readonly text: string;
  readonly path: string;
}

/** Latin1 texts, so that comparing them compares the bytes of the keys. */
export interface WalkBounds {
  readonly prefix: string;
  readonly after: string | undefined;
}

interface WalkEntry extends WalkedFile {
  readonly kind: NameMeaning['kind'];
}

/** Files below a folder in the byte order of their keys; folders that can hold nothing wanted are not opened. */
export async function* walk(folder: string, parent: string, bounds: WalkBounds): AsyncIterable<WalkedFile> {
  const entries = await entriesOf(folder, parent);
  const wanted = entries.filter((entry) => mayHold(entry, bounds));
  if (wanted.some(({ kind }) => kind === 'continued')) {
    // The keys below `x.more` and below its siblings interleave: this rare folder is sorted as a whole.
    const found: WalkedFile[] = [];
    for (const entry of wanted) for await (const file of descend(entry, bounds)) found.push(file);
    yield* found.sort(byText);
    return;
  }
  for (const entry of wanted.sort(byText)) yield* descend(entry, bounds);
}

async function* descend(entry: WalkEntry, bounds: WalkBounds): AsyncIterable<WalkedFile> {
  if (entry.kind === 'file') yield entry;
  else yield* walk(entry.path, entry.text, bounds);
}

async function entriesOf(folder: string, parent: string): Promise<WalkEntry[]> {
  const names = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  return names.flatMap((name) => {
    const meaning = meaningOf(name.name, name.isDirectory());
    if (!meaning) return [];
    const text = parent + meaning.text + (meaning.kind === 'segment' ? '/' : '');
    return [{ kind: meaning.kind, text, path: join(folder, name.name) }];
  });
}

function mayHold({ kind, text }: WalkEntry, { prefix, after }: WalkBounds): boolean {
  if (kind === 'file') return text.startsWith(prefix) && (after === undefined || text > after);
  const underPrefix = text.startsWith(prefix) || prefix.startsWith(text);
  return underPrefix && (after === undefined || text > after || after.startsWith(text));
}

function byText(a: WalkedFile, b: WalkedFile): number {
  return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
}
