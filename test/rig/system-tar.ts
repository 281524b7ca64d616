import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export type TarFormat = 'ustar' | 'pax' | 'gnu';

/** What the system's tar makes of a folder, entries in the order of their names. */
export function packWithSystemTar(folder: string, format: TarFormat): Buffer {
  const args = [
    `--format=${format}`,
    '--sort=name',
    '-c',
    '-f',
    '-',
    ...readdirSync(folder).map((name) => `./${name}`),
  ];
  return execFileSync('tar', args, {
    cwd: folder,
    maxBuffer: 2 ** 30,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
}

export function unpackWithSystemTar(archive: Buffer, folder: string): void {
  execFileSync('tar', ['-x', '-p', '-f', '-'], {
    cwd: folder,
    input: archive,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

/** All that is below a folder, a line each: kind, mode, path, and content or target. Two equal lists are two equal folders. */
export function snapshot(folder: string): string[] {
  const visit = (path: string): string[] =>
    readdirSync(join(folder, path))
      .sort()
      .flatMap((name) => {
        const child = path === '' ? name : `${path}/${name}`;
        const absolute = join(folder, child);
        const stats = lstatSync(absolute);
        const mode = (stats.mode & 0o7777).toString(8);
        if (stats.isSymbolicLink()) return [`link ${child} → ${readlinkSync(absolute)}`];
        if (stats.isDirectory()) return [`folder ${mode} ${child}`, ...visit(child)];
        return [`file ${mode} ${child} = ${readFileSync(absolute, 'base64')}`];
      });
  return visit('');
}
