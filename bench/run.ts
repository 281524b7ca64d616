/**
 * `npm run bench`: all benchmarks, or those named: `npm run bench -- runner`. Each measures us and a peer
 * in one run, prints the ratio, and writes its table to bench/results/ with commit and machine.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { basename } from 'node:path';
import { build } from './results.ts';

const known = globSync('bench/*.bench.ts').sort();
const wanted = process.argv.slice(2);
const chosen =
  wanted.length === 0 ? known : known.filter((file) => wanted.includes(basename(file, '.bench.ts')));
if (chosen.length === 0) {
  console.error(
    `no such benchmark; there are: ${known.map((file) => basename(file, '.bench.ts')).join(', ')}`,
  );
  process.exit(2);
}

build();
mkdirSync('bench/results', { recursive: true });
for (const file of chosen) {
  console.log(`\n── ${basename(file, '.bench.ts')}`);
  const { stdout, status } = spawnSync(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  process.stdout.write(stdout);
  if (status !== 0) {
    process.exitCode = 1;
    continue;
  }
  writeFileSync(
    `bench/results/${basename(file, '.bench.ts')}.md`,
    `# ${basename(file, '.bench.ts')}\n\n${circumstances()}\n\n${stdout.trim()}\n`,
  );
}

function circumstances(): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const [first] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `Commit ${commit}, Node ${process.versions.node}, ${cpus().length} × ${first?.model ?? 'unknown processor'}, ${memory} GiB, ${new Date().toISOString().slice(0, 10)}. A shared machine: compare figures of one run only.`;
}
