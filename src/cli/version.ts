import { readFileSync } from 'node:fs';

/** The package's version; its `package.json` lies one folder above `src/` and above `dist/`. */
export function version(): string {
  const up = import.meta.url.includes('/dist/') ? '../package.json' : '../../package.json';
  const manifest = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
