import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { codeFrame } from '../config/code-frame.ts';
import { maskSecrets } from '../config/mask-secrets.ts';
import type { Mistake } from '../config/mistake.ts';
import type { Io } from './io.ts';

/**
 * All mistakes of a configuration, each with the lines it stands in.
 * @param folder what their files' names count from: the workspace's root, for velocity.yml
 * @param secrets what stands before values in those lines that are not shown
 */
export function printMistakes(
  mistakes: readonly Mistake[],
  io: Io,
  folder: string,
  secrets: readonly string[] = [],
): void {
  const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`;
  io.stderr.write(`velocity: the configuration has ${count}.\n\n`);
  const texts = new Map<string, string | undefined>();
  for (const mistake of mistakes) {
    const file = mistake.position?.file;
    if (file !== undefined && !texts.has(file)) texts.set(file, readText(resolve(folder, file), secrets));
    io.stderr.write(`${codeFrame(mistake, file === undefined ? undefined : texts.get(file))}\n\n`);
  }
}

function readText(path: string, secrets: readonly string[]): string | undefined {
  try {
    return maskSecrets(readFileSync(path, 'utf8'), secrets);
  } catch {
    return undefined; // the mistake is still told, without its lines
  }
}
