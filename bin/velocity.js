#!/usr/bin/env node
// Plain JavaScript on purpose: it must run on old versions of Node to say which one is needed.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED = [24, 12];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  const pinned = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  // Not console.error: the linter takes that for chatter left behind, and takes it away.
  process.stderr.write(
    `velocity: needs Node ${NEEDED.join('.')} or newer, and this is Node ${process.versions.node} (${process.execPath}).\n` +
      (existsSync(pinned)
        ? `One that fits is here: ${pinned} ${process.argv[1]} …\nOr install one from https://nodejs.org.\n`
        : 'Install one from https://nodejs.org and put it first on your PATH.\n'),
  );
  process.exitCode = 2;
} else {
  module.enableCompileCache?.();
  const built = new URL('../dist/main.js', import.meta.url);
  await import(existsSync(built) ? built.href : new URL('../src/main.ts', import.meta.url).href);
}
