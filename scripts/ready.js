/**
 * Runs a TypeScript program of this repository from a bare clone: installs the locked npm
 * dependencies, the pinned Node among them, where they are missing, and hands over to that Node.
 * Plain JavaScript, for it is what an older Node on the machine starts.
 *
 *     node scripts/ready.js scripts/test.ts [arguments…]
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.installed-from');
const pinnedNode = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.error('installing the locked npm dependencies…');
  const installed = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (installed.status !== 0) {
    console.error('npm ci failed; its message is above.');
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

const version = existsSync(pinnedNode)
  ? spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' }).stdout
  : '';
if (!/^v(2[4-9]|[3-9]\d)\./.test(version ?? '')) {
  console.error(
    `The pinned Node is not usable (${pinnedNode} says "${String(version).trim()}"). Try: npm rebuild node`,
  );
  process.exit(1);
}

const child = spawn(pinnedNode, process.argv.slice(2), {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${join(modules, '.bin')}:${process.env.PATH}` },
});
// Ctrl-C reaches the child by itself; this process only waits, so that it reports the child's end.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
});
