/**
 * YAML as pnpm and Yarn write it, with every scalar kept as text (YAML's failsafe
 * schema): a version `1.0` is not a number.
 *
 * A general parser takes a second or two for 3,000 packages, longer than many builds, so a
 * reader of the written subset goes first. What it does not know for sure it does not
 * read: the general parser then reads the whole file.
 */
import { parseAllDocuments } from 'yaml';
import { messageOf } from '../../../base/errors.ts';
import { malformed } from './shape.ts';
import type { LockNode } from './yaml-scalars.ts';
import { readYamlSubset } from './yaml-subset.ts';

/** The documents of the file, in order. */
export function parseLockYaml(file: string, text: string): readonly LockNode[] {
  return readYamlSubset(text) ?? parseAnyYaml(file, text);
}

function parseAnyYaml(file: string, text: string): readonly LockNode[] {
  return [...parseAllDocuments(text, { schema: 'failsafe', logLevel: 'silent' })].map((document) => {
    const [error] = document.errors;
    if (error) throw malformed(file, firstLine(error), error);
    try {
      return document.toJS({ maxAliasCount: 100 });
    } catch (cause) {
      throw malformed(file, firstLine(cause), cause);
    }
  });
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0] ?? '';
}
