import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { statsOf } from '../stats-of.ts';

/** Never part of anything's inputs or outputs, unless a pattern begins inside. */
export const NEVER_ENTERED: ReadonlySet<string> = new Set(['node_modules', '.git', '.velocity']);

/** Files and symbolic links at or below a path, which may itself be a link to a folder; ignored or not, as sorted paths from the root. */
export function walkFiles(root: string, path: string): string[] {
  const absolute = join(root, path);
  if (!statsOf(absolute)) return [];
  if (!existsSync(absolute) || !statSync(absolute).isDirectory()) return [path];
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const child = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!NEVER_ENTERED.has(entry.name)) visit(child);
      } else if (entry.isFile() || entry.isSymbolicLink()) found.push(child);
    }
  };
  visit(path);
  return found.sort();
}
