import { existsSync, readFileSync } from 'node:fs';

/** The package's version, from the nearest `package.json` above this file, be it a source or in a bundle. */
export function version(): string {
  const manifest = ['..', '../..']
    .map((up) => new URL(`${up}/package.json`, import.meta.url))
    .find((url) => existsSync(url));
  if (!manifest) throw new Error('unreachable: the package has a package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
