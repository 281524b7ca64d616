import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('build-tools', import.meta.url));
const STAMP = join(FOLDER, 'node_modules', '.installed-from');

/**
 * Installs the locked build tools whose caches we serve, where they are missing: apart from the project's own
 * dependencies, which nobody should wait longer for. Of no package does any script run.
 */
export async function installBuildTools(): Promise<void> {
  const wanted = createHash('sha256')
    .update(readFileSync(join(FOLDER, 'package-lock.json')))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  console.log('installing build tools for the tests of their protocols…');
  // Not `npm ci`: it refuses a lock without each platform's binaries, which not every registry has.
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const child = spawn('npm', args, { cwd: FOLDER, stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`npm install failed in ${FOLDER}`);
  writeFileSync(STAMP, wanted);
}

/** The path of a tool that `installBuildTools` brought; `path` below its `node_modules`. */
export function buildTool(path: string): string {
  const found = join(FOLDER, 'node_modules', path);
  if (!existsSync(found)) throw new Error(`${path} is not installed: run it by "npm test -- <file>"`);
  return found;
}
