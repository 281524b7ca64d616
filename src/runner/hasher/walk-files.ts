import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Never part of anything's inputs or outputs. */
const NEVER = new Set(['node_modules', '.git', '.velocity']);

/** Files and symbolic links at or below a path, ignored or not, as sorted paths from the root. */
export function walkFiles(root: string, path: string): string[] {
  const stats = statSync(join(root, path), { throwIfNoEntry: false });
  if (!stats) return [];
  if (!stats.isDirectory()) return [path];
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const child = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!NEVER.has(entry.name)) visit(child);
      } else if (entry.isFile() || entry.isSymbolicLink()) found.push(child);
    }
  };
  visit(path);
  return found.sort();
}
