/**
 * How long is a run, beside turbo: cold, with nothing changed, and with every output deleted?
 * Both as people start them, through their npm programs, in turn, on the same repository.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateWorkspace } from './generated-workspace.ts';
import { median, table } from './results.ts';

interface Runner {
  readonly name: string;
  readonly command: readonly string[];
  /** Folders that hold its local cache and memory. */
  readonly caches: readonly string[];
}

const RUNNERS: readonly Runner[] = [
  {
    name: 'velocity',
    command: [process.execPath, resolve('bin/velocity.js'), 'run', 'build', '--output-logs=none'],
    caches: ['.velocity'],
  },
  {
    name: 'turbo',
    command: [resolve('node_modules/.bin/turbo'), 'run', 'build', '--output-logs=none'],
    caches: ['.turbo', 'node_modules/.cache'],
  },
];

const SIZES = [
  { packages: 10, cold: 3, warm: 9 },
  { packages: 100, cold: 1, warm: 7 },
];

const shim = npmStandIn();
const rows: string[][] = [
  [
    'scenario',
    'packages',
    'velocity: median / best s',
    'turbo: median / best s',
    'turbo ÷ velocity (medians)',
  ],
];
for (const { packages, cold, warm } of SIZES) {
  // A repository each: every runner makes sure of its own outputs' time stamps and would undo the other's.
  const roots = new Map(RUNNERS.map(({ name }) => [name, generateWorkspace(packages)]));
  try {
    measure(roots, 'cold', packages, cold, {}, (root, { caches }) => wipe(root, packages, caches));
    const withStandIn = { PATH: `${shim}:${process.env['PATH']}` };
    measure(
      roots,
      'cold, `npm run` replaced by a plain shell',
      packages,
      Math.max(3, cold),
      withStandIn,
      (root, { caches }) => wipe(root, packages, caches),
    );
    measure(roots, 'nothing changed', packages, warm, {}, () => {}, true);
    measure(roots, 'every output deleted', packages, warm, {}, (root) => wipe(root, packages, []), true);
  } finally {
    for (const root of roots.values()) rmSync(root, { recursive: true, force: true });
  }
}
rmSync(shim, { recursive: true });
console.log(table(rows));

function measure(
  roots: ReadonlyMap<string, string>,
  scenario: string,
  packages: number,
  times: number,
  env: NodeJS.ProcessEnv,
  prepare: (root: string, runner: Runner) => void,
  warmUp = false,
): void {
  const seconds = new Map(RUNNERS.map(({ name }) => [name, [] as number[]]));
  for (let round = warmUp ? -1 : 0; round < times; round++) {
    for (const runner of RUNNERS) {
      const root = roots.get(runner.name) ?? '';
      if (round < 0) once(runner, root, env);
      prepare(root, runner);
      const took = once(runner, root, env);
      assertBuilt(root, packages);
      if (round >= 0) seconds.get(runner.name)?.push(took);
    }
  }
  const show = (name: string): string => {
    const all = seconds.get(name) ?? [];
    return `${median(all).toFixed(3)} / ${Math.min(...all).toFixed(3)}`;
  };
  const ratio = median(seconds.get('turbo') ?? []) / median(seconds.get('velocity') ?? []);
  rows.push([scenario, String(packages), show('velocity'), show('turbo'), `${ratio.toFixed(2)} ×`]);
}

function once({ command, name }: Runner, root: string, env: NodeJS.ProcessEnv): number {
  const [program = '', ...args] = command;
  const startedAt = performance.now();
  const { status, stderr } = spawnSync(program, args, {
    cwd: root,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', ...env },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
  return (performance.now() - startedAt) / 1000;
}

function wipe(root: string, packages: number, caches: readonly string[]): void {
  for (const cache of caches) rmSync(join(root, cache), { recursive: true, force: true });
  for (let index = 0; index < packages; index++) {
    rmSync(join(root, `packages/package-${index}/dist`), { recursive: true, force: true });
    rmSync(join(root, `packages/package-${index}/.turbo`), { recursive: true, force: true });
  }
}

function assertBuilt(root: string, packages: number): void {
  for (let index = 0; index < packages; index++) {
    const dist = join(root, `packages/package-${index}/dist`);
    if (!existsSync(dist) || readdirSync(dist).length !== 20)
      throw new Error(`package-${index} was not built`);
  }
}

/** turbo starts npm for each task, which costs more than the task; this shows the runner alone. */
function npmStandIn(): string {
  const folder = mkdtempSync(join(tmpdir(), 'velocity-bench-npm-'));
  writeFileSync(join(folder, 'npm'), '#!/bin/sh\nexec /bin/sh -c "rm -rf dist && cp -r src dist"\n', {
    mode: 0o755,
  });
  return folder;
}
