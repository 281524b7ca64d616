#!/usr/bin/env node
// Plain JavaScript on purpose: it must run on old versions of Node to say which one is needed.
import { existsSync } from 'node:fs';
import module from 'node:module';

const NEEDED = [24, 12];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.exitCode = 2;
} else {
  module.enableCompileCache?.();
  const built = new URL('../dist/main.js', import.meta.url);
  await import(existsSync(built) ? built.href : new URL('../src/main.ts', import.meta.url).href);
}
