import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * What the runner remembers between runs is a convenience: a file that is missing, torn or of
 * another version reads as nothing, and the next run works everything out again.
 */
export function readState<T>(path: string, version: string): T | undefined {
  try {
    const { version: found, data } = JSON.parse(readFileSync(path, 'utf8')) as {
      version?: unknown;
      data?: T;
    };
    return found === version ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Whole or not at all; two runs at once leave the state of one of them. Trouble is told, not thrown. */
export function writeState(path: string, version: string, data: unknown): Error | undefined {
  const temp = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temp, JSON.stringify({ version, data }));
    renameSync(temp, path);
    return undefined;
  } catch (error) {
    if (existsSync(temp)) rmSync(temp);
    return error as Error;
  }
}
