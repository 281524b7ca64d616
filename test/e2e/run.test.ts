/** `velocity run` as people meet it: the real program in real repositories. F and A name rows of docs/faults.md. */
import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { LocalStore } from '../../src/storage/drivers/local/local-store.ts';
import type { ObjectKey } from '../../src/storage/object-key.ts';
import { CliProcess, type CliResult, velocity } from '../rig/cli.ts';
import { type Files, TempWorkspace } from '../rig/temp-workspace.ts';
import { until } from '../rig/until.ts';

/** Two packages, `app` on `lib`; each build copies its source and counts its runs outside the repository's view. */
function twoPackages(pipeline: string): Files {
  const build =
    'mkdir -p dist && cp src/*.txt dist/ && echo built $npm_package_name && echo x >> ../../.velocity-runs';
  const manifest = (name: string, dependencies = {}) => ({
    name,
    version: '1.0.0',
    scripts: { build, test: 'echo tested $npm_package_name' },
    dependencies,
  });
  return {
    'velocity.yml': `version: 1\npipeline:\n${pipeline}`,
    'package.json': { name: 'root', private: true, workspaces: ['packages/*'] },
    '.gitignore': 'dist\n.velocity\n.velocity-runs\nnode_modules\n',
    'packages/lib/package.json': manifest('lib'),
    'packages/lib/src/a.txt': 'lib source\n',
    'packages/app/package.json': manifest('app', { lib: '1.0.0' }),
    'packages/app/src/a.txt': 'app source\n',
  };
}

const BUILD =
  '  build:\n    depends_on: ["^build"]\n    outputs: ["dist/**"]\n  test:\n    depends_on: [build]\n';

function run(workspace: TempWorkspace, ...args: string[]): Promise<CliResult> {
  return velocity(['run', ...args], { cwd: workspace.root });
}

/** How often a build really ran. */
function runs(workspace: TempWorkspace): number {
  return existsSync(workspace.path('.velocity-runs'))
    ? workspace.read('.velocity-runs').trim().split('\n').length
    : 0;
}

function lastLine({ stderr }: CliResult): string {
  return stderr.trim().split('\n').at(-1) ?? '';
}

describe('velocity run', () => {
  test('dependencies are built first, then nothing runs again until an input changes', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const cold = await run(workspace, 'build');
    assert.equal(cold.exitCode, 0, cold.stderr);
    assert.ok(cold.stdout.indexOf('lib#build: built lib') < cold.stdout.indexOf('app#build: built app'));
    assert.match(lastLine(cold), /^2 tasks · 2 ran · /);

    const warm = await run(workspace, 'build');
    assert.match(lastLine(warm), /^2 tasks · 2 hits \(2 unchanged\) · saved .* · full velocity$/);
    assert.match(warm.stdout, /lib#build: built lib/, 'the log is replayed');
    assert.equal(runs(workspace), 2);

    workspace.write({ 'packages/app/src/a.txt': 'changed\n' });
    const leaf = await run(workspace, 'build');
    assert.match(lastLine(leaf), /1 hit \(1 unchanged\) · 1 ran/);
    assert.equal(workspace.read('packages/app/dist/a.txt'), 'changed\n');

    workspace.write({ 'packages/lib/src/a.txt': 'changed\n' });
    assert.match(lastLine(await run(workspace, 'build')), /^2 tasks · 2 ran/);
  });

  test('outputs that were removed, edited or added to are made exactly what they were', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    await run(workspace, 'build');
    const dist = (name: string): string => workspace.path(join('packages/app/dist', name));
    const harm: (() => void)[] = [
      () => workspace.remove('packages/app/dist'),
      () => writeFileSync(dist('a.txt'), 'edited by hand\n'),
      () => writeFileSync(dist('stray.txt'), 'stray'),
      () => {
        mkdirSync(dist('empty/nested'), { recursive: true });
      },
      () => workspace.chmod('packages/app/dist/a.txt', 0o755),
    ];
    for (const doHarm of harm) {
      doHarm();
      const healed = await run(workspace, 'build');
      assert.match(lastLine(healed), /2 hits \(1 unchanged, 1 local\)/, doHarm.toString());
      assert.deepEqual(readdirSync(workspace.path('packages/app/dist')), ['a.txt']);
      assert.equal(workspace.read('packages/app/dist/a.txt'), 'app source\n');
      assert.equal(statSync(dist('a.txt')).mode & 0o777, 0o644);
    }
    assert.equal(runs(workspace), 2);
  });

  test('going back to earlier sources is a hit', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    await run(workspace, 'build');
    workspace.write({ 'packages/lib/src/a.txt': 'other\n' });
    await run(workspace, 'build');
    workspace.git('checkout', '-q', '.');
    assert.match(lastLine(await run(workspace, 'build')), /2 hits \(2 local\)/);
    assert.equal(workspace.read('packages/lib/dist/a.txt'), 'lib source\n');
  });

  test('a time stamp alone changes nothing', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    await run(workspace, 'build');
    utimesSync(workspace.path('packages/lib/src/a.txt'), 1, 1);
    assert.match(lastLine(await run(workspace, 'build')), /2 unchanged/);
  });

  test('a file that an earlier build made and this one does not is in neither outputs nor artifact', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    workspace.write({ 'packages/lib/src/old.txt': 'old' });
    await run(workspace, 'build');
    workspace.remove('packages/lib/src/old.txt');
    await run(workspace, 'build');
    assert.deepEqual(readdirSync(workspace.path('packages/lib/dist')), ['a.txt']);
  });

  test('declared variables change the key, others do not, and their values are never shown', async () => {
    await using workspace = await TempWorkspace.open(
      twoPackages(`${BUILD}  lib#build:\n    env_keys: [API_URL, "FLAG_*"]\n`),
    );
    const withEnv = (env: Record<string, string>) =>
      velocity(['run', 'lib#build'], { cwd: workspace.root, env });
    await withEnv({ API_URL: 'secret-value-1' });
    assert.match(lastLine(await withEnv({ API_URL: 'secret-value-1', OTHER: 'x' })), /1 unchanged/);
    assert.match(lastLine(await withEnv({ API_URL: 'secret-value-2' })), /1 ran/);
    assert.match(lastLine(await withEnv({ API_URL: 'secret-value-2', FLAG_A: '1' })), /1 ran/);
    const dry = await velocity(['run', 'lib#build', '--dry=json'], {
      cwd: workspace.root,
      env: { API_URL: 'secret-value-1' },
    });
    assert.ok(dry.stdout.includes('API_URL') && !dry.stdout.includes('secret-value'));
  });

  test('a variable in a command counts by its value, which is shown and kept nowhere', async () => {
    await using workspace = await TempWorkspace.open(
      twoPackages(
        `${BUILD}  lib#build:\n    command: 'mkdir -p dist && printf %s "\${API_SECRET}" | wc -c > dist/n && echo "$$HOME" > dist/home'\n`,
      ),
    );
    const withSecret = (API_SECRET: string, ...args: string[]) =>
      velocity(['run', 'lib#build', ...args], {
        cwd: workspace.root,
        env: { API_SECRET, HOME: '/home/somebody' },
      });
    await withSecret('hunter2hunter2');
    assert.equal(workspace.read('packages/lib/dist/n').trim(), '14');
    assert.equal(
      workspace.read('packages/lib/dist/home'),
      '/home/somebody\n',
      '$$ is a dollar sign for the shell',
    );
    for (const format of ['json', 'text']) {
      const { stdout } = await withSecret('hunter2hunter2', `--dry=${format}`);
      assert.ok(stdout.includes('${API_SECRET}') && !stdout.includes('hunter2'), stdout);
    }
    const manifest = await storedManifest(workspace);
    assert.ok(manifest.includes('${API_SECRET}') && !manifest.includes('hunter2'), manifest);
    assert.match(lastLine(await withSecret('another')), /1 ran/);
    assert.match(lastLine(await withSecret('hunter2hunter2')), /1 hit \(1 local\)/);
  });

  /** Of the one artifact in the local cache. */
  async function storedManifest(workspace: TempWorkspace): Promise<string> {
    const store = await LocalStore.open({ root: workspace.path('.velocity/cache') });
    const keys: ObjectKey[] = [];
    for await (const { key } of store.list({ prefix: '' })) keys.push(key);
    assert.equal(keys.length, 1);
    const got = keys[0] && (await store.get(keys[0]));
    assert.ok(got !== undefined && got !== 'unsatisfiable');
    const archive = zstdDecompressSync(await buffer(got.body));
    return archive.subarray(0, archive.indexOf('outputs/dist')).toString();
  }

  test('arguments after -- reach the requested tasks and are part of their keys', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const test1 = await run(workspace, 'lib#test', '--', "it's", 'a b');
    assert.match(test1.stdout, /lib#test: tested lib it's a b/);
    assert.match(lastLine(await run(workspace, 'lib#test', '--', 'other')), /1 hit .*1 ran/);
  });
});

describe('failures (F31)', () => {
  test('a failing task stops its dependants, is never cached, and gives the highest exit code', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    workspace.write({
      'packages/lib/package.json': {
        name: 'lib',
        version: '1.0.0',
        scripts: { build: 'echo about to fail; exit 7' },
      },
    });
    for (let time = 0; time < 2; time++) {
      const failed = await run(workspace, 'build');
      assert.equal(failed.exitCode, 7);
      assert.match(
        failed.stderr,
        /app#build: not run: a task it needs failed|app#build: not run: another task failed/,
      );
      assert.match(failed.stdout, /lib#build: about to fail/);
      assert.match(lastLine(failed), /1 failed · 1 not run/);
    }
  });

  test('--continue goes on with what does not need the failed task, or with everything', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    workspace.write({
      'packages/lib/package.json': { name: 'lib', scripts: { build: 'exit 3' } },
      'packages/free/package.json': { name: 'free', scripts: { build: 'exit 5' } },
      'packages/free2/package.json': { name: 'free2', scripts: { build: 'echo free2 ran' } },
    });
    const careful = await run(workspace, 'build', '--continue=dependencies-successful', '--concurrency=1');
    assert.equal(careful.exitCode, 5);
    assert.match(careful.stdout, /free2 ran/);
    assert.match(lastLine(careful), /1 ran · 2 failed · 1 not run/);
    const all = await run(workspace, 'build', '--continue=always');
    assert.match(lastLine(all), /2 failed/);
    assert.doesNotMatch(lastLine(all), /not run/);
  });

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} ends the tasks and all they started, caches nothing and exits ${exitCode}`, async () => {
      await using workspace = await TempWorkspace.open(twoPackages(BUILD));
      const slow =
        'mkdir -p dist; echo half > dist/a.txt; sleep 1000 & echo $! > ../../pid; echo started; wait';
      workspace.write({
        'packages/lib/package.json': { name: 'lib', scripts: { build: slow } },
        '.gitignore': 'dist\n.velocity\npid\n',
      });
      const cli = new CliProcess(['run', 'build'], { cwd: workspace.root });
      await until(async () => cli.stdout.includes('started'));
      const grandchild = Number(workspace.read('pid'));
      cli.child.kill(signal);
      const { exitCode: code } = await cli.result;
      assert.equal(code, exitCode);
      await until(async () => !isRunning(grandchild));
      workspace.write({ 'packages/lib/package.json': { name: 'lib', scripts: { build: slow } } });
      const dry = await run(workspace, 'build', '--dry');
      assert.match(dry.stdout, /lib#build .* miss/);
    });
  }

  test('a task that does not end when asked is killed by a second signal', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const stubborn = "trap 'echo yes > ../../asked' TERM INT; echo started; while true; do sleep 0.05; done";
    workspace.write({ 'packages/lib/package.json': { name: 'lib', scripts: { build: stubborn } } });
    const cli = new CliProcess(['run', 'lib#build'], { cwd: workspace.root });
    await until(async () => cli.stdout.includes('started'));
    cli.child.kill('SIGINT');
    await until(async () => existsSync(join(workspace.root, 'asked')));
    cli.child.kill('SIGINT');
    assert.equal((await cli.result).exitCode, 130);
  });

  test('inputs that change while the task runs: the result is kept under no key (F30)', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const build = 'mkdir -p dist; cat src/a.txt > dist/a.txt; echo changed by somebody > src/a.txt';
    workspace.write({ 'packages/lib/package.json': { name: 'lib', scripts: { build } } });
    const first = await run(workspace, 'lib#build');
    assert.equal(first.exitCode, 0);
    assert.match(
      first.stderr,
      /lib#build: its input files changed while it ran, so the result was not cached/,
    );
    workspace.git('checkout', '-q', 'packages/lib/src/a.txt');
    assert.match((await run(workspace, 'lib#build', '--dry')).stdout, / miss /);
  });

  test('a cached failure does not exist, a cached success replays its log and exits 0', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    workspace.write({
      'packages/lib/package.json': { name: 'lib', scripts: { build: 'echo to stdout; echo to stderr >&2' } },
    });
    const first = await run(workspace, 'lib#build');
    workspace.remove('.velocity/state-v1');
    const second = await run(workspace, 'lib#build');
    assert.match(lastLine(second), /1 local/);
    assert.deepEqual(second.stdout.split('\n').sort(), first.stdout.split('\n').sort());
    assert.equal(second.exitCode, 0);
  });
});

describe('a reader that leaves', () => {
  for (const left of [['stdout'], ['stderr'], ['stdout', 'stderr']] as const) {
    test(`${left.join(' and ')} closed early: the run goes on to its end as if it were read`, async () => {
      await using workspace = await TempWorkspace.open(twoPackages(BUILD));
      const build = [
        'mkdir -p dist; echo started',
        'until [ -e ../../.velocity/go ]; do sleep 0.01; done',
        'for i in 1 2 3; do echo more; echo more >&2; sleep 0.02; done',
        'echo whole > dist/a.txt',
      ].join('; ');
      workspace.write({ 'packages/lib/package.json': { name: 'lib', scripts: { build } } });
      const cli = new CliProcess(['run', 'lib#build'], { cwd: workspace.root });
      await until(async () => cli.stdout.includes('started') && cli.stderr.includes('1 task'));
      for (const stream of left) cli.child[stream]?.destroy();
      workspace.write({ '.velocity/go': '' });
      assert.equal((await cli.result).exitCode, 0);
      assert.equal(workspace.read('packages/lib/dist/a.txt'), 'whole\n');
      assert.match(lastLine(await run(workspace, 'lib#build')), /1 unchanged/, 'and it was kept');
    });
  }
});

describe('killed in the middle of a restore (F29)', () => {
  test('the next run makes the outputs whole', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const build =
      'mkdir -p dist; for i in $(seq 400); do head -c 20000 /dev/zero | tr "\\0" "$i" > dist/$i; done';
    workspace.write({ 'packages/lib/package.json': { name: 'lib', scripts: { build } } });
    await run(workspace, 'lib#build');
    const expected = readdirSync(workspace.path('packages/lib/dist')).length;
    for (let round = 0; round < 5; round++) {
      workspace.remove('packages/lib/dist');
      const cli = new CliProcess(['run', 'lib#build', '--output-logs=none'], { cwd: workspace.root });
      await until(
        async () => existsSync(workspace.path('packages/lib/dist/1')) || cli.child.exitCode !== null,
      );
      cli.child.kill('SIGKILL');
      await cli.result;
      const repaired = await run(workspace, 'lib#build');
      assert.equal(repaired.exitCode, 0);
      const files = readdirSync(workspace.path('packages/lib/dist'));
      assert.equal(files.length, expected);
      assert.ok(files.every((name) => statSync(workspace.path(`packages/lib/dist/${name}`)).size === 20_000));
    }
  });
});

describe('odd outputs (F32)', () => {
  test('empty files and folders, modes, links and names come back as they were', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const build = [
      'mkdir -p dist/empty/dir dist/ünïcödé',
      ': > dist/empty.txt',
      'echo run > dist/tool; chmod 755 dist/tool',
      'echo x > dist/read-only; chmod 444 dist/read-only',
      'echo x > "dist/ünïcödé/日本 語.txt"',
      'ln -s tool dist/link; ln -s ../src dist/to-src; ln -s nowhere dist/dangling',
      'truncate -s 3000000 dist/sparse; printf tail >> dist/sparse',
      'echo deep > dist/$(printf "d%.0s" $(seq 120)).txt',
    ].join(' && ');
    workspace.write({ 'packages/lib/package.json': { name: 'lib', scripts: { build } } });
    const first = await run(workspace, 'lib#build');
    assert.equal(first.exitCode, 0, first.stderr + first.stdout);
    const before = snapshot(workspace.path('packages/lib/dist'));
    workspace.remove('packages/lib/dist');
    const second = await run(workspace, 'lib#build');
    assert.match(lastLine(second), /1 local/, second.stderr);
    assert.deepEqual(snapshot(workspace.path('packages/lib/dist')), before);
  });

  test('an output folder that is a link inside the workspace stays one', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    mkdirSync(workspace.path('build-area/lib'), { recursive: true });
    symlinkSync('../../build-area/lib', workspace.path('packages/lib/dist'));
    workspace.write({
      '.gitignore': 'dist\nbuild-area\n.velocity\n',
      'packages/lib/package.json': { name: 'lib', scripts: { build: 'cp src/a.txt dist/' } },
    });
    await run(workspace, 'lib#build');
    workspace.remove('build-area/lib/a.txt');
    assert.match(lastLine(await run(workspace, 'lib#build')), /1 local/);
    assert.equal(readlinkSync(workspace.path('packages/lib/dist')), '../../build-area/lib');
    assert.equal(workspace.read('build-area/lib/a.txt'), 'lib source\n');
  });

  test('an output that leads out of the workspace is not cached, and the run says so', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    workspace.write({
      'packages/lib/package.json': {
        name: 'lib',
        scripts: { build: 'mkdir -p dist; ln -s /etc/passwd dist/x' },
      },
    });
    const done = await run(workspace, 'lib#build');
    assert.equal(done.exitCode, 0);
    assert.match(
      done.stderr,
      /lib#build: The result was not cached: "dist\/x" is a link to an absolute path/,
    );
  });

  function snapshot(folder: string): Record<string, string> {
    const rows: Record<string, string> = {};
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const stats = lstatSync(join(folder, name));
      const mode = (stats.mode & 0o777).toString(8);
      rows[name] = stats.isSymbolicLink()
        ? `link ${readlinkSync(join(folder, name))}`
        : stats.isDirectory()
          ? 'folder'
          : `${mode} ${stats.size}`;
    }
    return rows;
  }
});

describe('what is shown', () => {
  test('--dry=json is JSON alone on standard output, and runs nothing', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const dry = await run(workspace, 'build', 'test', '--dry=json');
    const { tasks } = JSON.parse(dry.stdout) as { tasks: Record<string, unknown>[] };
    assert.deepEqual(
      tasks.map(({ task, foreseen }) => [task, foreseen]),
      [
        ['lib#build', 'miss'],
        ['app#build', 'miss'],
        ['app#test', 'miss'],
        ['lib#test', 'miss'],
      ],
    );
    assert.equal(runs(workspace), 0);
    assert.ok(!existsSync(workspace.path('packages/lib/dist')));
  });

  test('--output-logs chooses which logs are shown', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const shows = async (which: string): Promise<[boolean, boolean]> => {
      const { stdout, stderr } = await run(workspace, 'lib#build', `--output-logs=${which}`);
      return [stdout.includes('built lib'), stderr.includes('lib#build')];
    };
    assert.deepEqual(await shows('new-only'), [true, true], 'it ran');
    assert.deepEqual(await shows('new-only'), [false, true]);
    assert.deepEqual(await shows('full'), [true, true]);
    assert.deepEqual(await shows('errors-only'), [false, true]);
    assert.deepEqual(await shows('hash-only'), [false, true]);
    assert.deepEqual(await shows('none'), [false, false]);
    workspace.write({
      'packages/lib/package.json': { name: 'lib', scripts: { build: 'echo why it failed; exit 1' } },
    });
    assert.match((await run(workspace, 'lib#build', '--output-logs=errors-only')).stdout, /why it failed/);
  });

  test('in CI logs are grouped task by task, and folded on GitHub Actions unless the task failed', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const grouped = await velocity(['run', 'build'], { cwd: workspace.root, env: { CI: 'true' } });
    assert.match(grouped.stdout, /^lib#build: ran in .*\nbuilt lib\napp#build: ran in .*\nbuilt app\n$/);
    workspace.write({
      'packages/app/package.json': {
        name: 'app',
        scripts: { build: 'echo oh no; exit 1' },
        dependencies: { lib: '1.0.0' },
      },
    });
    const github = await velocity(['run', 'build'], {
      cwd: workspace.root,
      env: { CI: 'true', GITHUB_ACTIONS: 'true' },
    });
    assert.match(github.stdout, /::group::lib#build: unchanged.*\nbuilt lib\n::endgroup::\n/);
    assert.match(github.stdout, /\napp#build: failed with exit code 1.*\noh no\n/);
    assert.match(github.stdout, /::error title=app#build::app#build failed/);
  });

  test('colours follow FORCE_COLOR and NO_COLOR, for tasks too', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    workspace.write({
      'packages/lib/package.json': {
        name: 'lib',
        scripts: { build: 'echo "force=$FORCE_COLOR no=$NO_COLOR"; printf "\\033[31mred\\033[0m\\n"' },
      },
    });
    const off = await run(workspace, 'lib#build');
    assert.match(off.stdout, /force= no=1/);
    assert.ok(
      !off.stdout.includes('\u001b') && !off.stderr.includes('\u001b'),
      'escape sequences are taken out of logs too',
    );
    const on = await velocity(['run', 'lib#build', '--force'], {
      cwd: workspace.root,
      env: { NO_COLOR: '', FORCE_COLOR: '1' },
    });
    assert.match(on.stdout, /force=1 no=/);
    assert.ok(on.stdout.includes('\u001b[31mred'));
  });
});

describe('what is wrong with a repository', () => {
  test('every mistake in velocity.yml is shown at once, with its lines, and nothing runs', async () => {
    await using workspace = await TempWorkspace.open({
      ...twoPackages(BUILD),
      'velocity.yml':
        'version: 1\npipeline:\n  build:\n    dependsOnn: ["^build"]\n    outputs: dist\n  test:\n    depends_on: [biuld]\n',
    });
    const { exitCode, stderr } = await run(workspace, 'build');
    assert.equal(exitCode, 2);
    assert.match(stderr, /velocity\.yml:4:5: unknown key "dependsOnn" \(did you mean "depends_on"\?\)/);
    assert.match(stderr, /> 4 \| {5}dependsOnn: \["\^build"\]\n {4}\| {5}\^{10}/);
    assert.match(stderr, /velocity\.yml:5:14: pipeline\.build\.outputs: expected a list, found "dist"/);
    assert.equal(runs(workspace), 0);
  });

  test('names that point at nothing are mistakes with a suggestion', async () => {
    await using workspace = await TempWorkspace.open({
      ...twoPackages(BUILD),
      'velocity.yml':
        'version: 1\npipeline:\n  build:\n    depends_on: ["^biuld", "lbi#build"]\n  apq#build: {}\n',
    });
    const { stderr } = await run(workspace, 'build');
    assert.match(stderr, /velocity\.yml:4:18: the pipeline has no task "biuld" \(did you mean "build"\?\)/);
    assert.match(stderr, /there is no package "lbi" in this workspace \(did you mean "lib"\?\)/);
    assert.match(stderr, /there is no package "apq" in this workspace \(did you mean "app"\?\)/);
  });

  test('unknown tasks, filters and flags say what there is, and exit 2', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const says = async (...args: string[]): Promise<string> => {
      const { exitCode, stderr } = await run(workspace, ...args);
      assert.equal(exitCode, 2);
      return stderr;
    };
    assert.match(await says('biuld'), /has no task "biuld" \(did you mean "build"\?\)/);
    assert.match(
      await says('build', '--filter', 'ap'),
      /--filter ap means no package of this workspace \(did you mean "app"\?\)/,
    );
    assert.match(
      await says('build', '--concurrency', 'many'),
      /expected a number such as 4, or a percentage/,
    );
    assert.match(await says('build', '--cache', 'local=rw'), /Write local and remote/);
    assert.match(await says('build', '--forec'), /unknown option '--forec'/);
    assert.match(await says(), /Which task\?/);
  });

  test('a circle of tasks is shown as the way round', async () => {
    await using workspace = await TempWorkspace.open(
      twoPackages('  build:\n    depends_on: [test]\n  test:\n    depends_on: [build]\n'),
    );
    const { exitCode, stderr } = await run(workspace, 'lib#build');
    assert.equal(exitCode, 2);
    assert.match(stderr, /circle: lib#build → lib#test → lib#build/);
  });

  test('a script that calls velocity for its own task is told so instead of calling itself for ever', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const { execPath } = process;
    const cli = join(import.meta.dirname, '../../bin/velocity.js');
    workspace.write({
      'packages/lib/package.json': { name: 'lib', scripts: { build: `"${execPath}" "${cli}" run build` } },
    });
    const { exitCode, stdout } = await run(workspace, 'lib#build');
    assert.equal(exitCode, 2);
    assert.match(stdout, /started by a task of this same workspace/);
  });

  test('without a velocity.yml the way to one is shown', async () => {
    await using workspace = await TempWorkspace.open({ 'README.md': 'x' });
    const { exitCode, stderr } = await run(workspace, 'build');
    assert.equal(exitCode, 2);
    assert.match(stderr, /velocity init/);
  });
});

test('a change in a package that git ignores is seen, and that it counts is said', async () => {
  await using workspace = await TempWorkspace.open({
    'velocity.yml':
      'version: 1\npackages: [gen]\npipeline:\n  gen#build:\n    command: cp a.txt b.out\n    outputs: ["*.out"]\n',
    '.gitignore': 'gen\n.velocity\n',
  });
  workspace.write({ 'gen/a.txt': 'one' });
  const cold = await run(workspace, 'build');
  assert.match(cold.stderr, /git ignores the package gen: there every file/);
  assert.match(lastLine(await run(workspace, 'build')), /1 unchanged/);
  workspace.write({ 'gen/a.txt': 'two' });
  await run(workspace, 'build');
  assert.equal(workspace.read('gen/b.out'), 'two');
});

describe('init and clean', () => {
  test('init writes a file that works at once, and never overwrites', async () => {
    const { 'velocity.yml': _, ...files } = twoPackages(BUILD);
    await using workspace = await TempWorkspace.open({
      ...files,
      '.gitignore': 'dist\nnode_modules\n.velocity-runs\n',
    });
    const init = await velocity(['init'], { cwd: workspace.root });
    assert.equal(init.exitCode, 0, init.stderr);
    assert.match(init.stderr, /npm workspace with 2 packages/);
    assert.match(workspace.read('.gitignore'), /^\.velocity\/$/m);
    const done = await run(workspace, 'build', 'test');
    assert.equal(done.exitCode, 0, done.stderr);
    assert.match(lastLine(done), /4 tasks/);

    const written = workspace.read('velocity.yml');
    const again = await velocity(['init'], { cwd: workspace.root });
    assert.equal(again.exitCode, 1);
    assert.match(again.stderr, /left as it is/);
    assert.equal(workspace.read('velocity.yml'), written);
  });

  test('in a folder that the repository around it ignores, a change of an input is seen, and that is said', async () => {
    await using around = await TempWorkspace.open({ '.gitignore': 'scratch\n' });
    const { 'velocity.yml': _, ...files } = twoPackages(BUILD);
    const inScratch = Object.entries(files).map(([path, content]) => [`scratch/${path}`, content]);
    around.write(Object.fromEntries(inScratch));
    const cwd = around.path('scratch');
    const init = await velocity(['init'], { cwd });
    assert.equal(init.exitCode, 0, init.stderr);
    assert.match(init.stderr, /npm workspace with 2 packages/);

    const cold = await velocity(['run', 'build'], { cwd });
    assert.equal(cold.exitCode, 0, cold.stderr);
    assert.equal(cold.stderr.match(/the repository around this workspace ignores it/g)?.length, 1);
    assert.match(lastLine(cold), /2 ran/);
    assert.match(lastLine(await velocity(['run', 'build'], { cwd })), /2 unchanged/);
    around.write({ 'scratch/packages/app/src/new.txt': 'new\n' });
    assert.match(lastLine(await velocity(['run', 'build'], { cwd })), /1 unchanged.*1 ran/);
    assert.equal(around.read('scratch/packages/app/dist/new.txt'), 'new\n');
  });

  test('clean removes the local cache, or the outputs, and only those', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    await run(workspace, 'build');
    const dry = await velocity(['clean', '--all', '--dry'], { cwd: workspace.root });
    assert.match(dry.stdout, /packages\/lib\/dist\/a\.txt/);
    assert.ok(existsSync(workspace.path('packages/lib/dist/a.txt')));

    await velocity(['clean', '--outputs'], { cwd: workspace.root });
    assert.ok(!existsSync(workspace.path('packages/lib/dist')));
    assert.match(lastLine(await run(workspace, 'build')), /2 local/);
    await velocity(['clean'], { cwd: workspace.root });
    assert.ok(!existsSync(workspace.path('.velocity')));
    assert.ok(existsSync(workspace.path('packages/lib/dist/a.txt')));
    assert.match(lastLine(await run(workspace, 'build')), /2 ran/);
  });

  test('a cache in a folder of the user’s: neither run nor clean takes what is not the cache’s', async () => {
    await using workspace = await TempWorkspace.open(twoPackages(BUILD));
    const theirs = ['theirs/tmp/old.txt', 'theirs/store-v1-tmp-notes/x', 'theirs/notes.txt'];
    for (const path of theirs) {
      workspace.write({ [path]: 'written long ago' });
      utimesSync(workspace.path(path), 1, 1);
    }
    const env = { VELOCITY_CACHE_DIR: workspace.path('theirs') };
    await velocity(['run', 'build'], { cwd: workspace.root, env });
    await velocity(['clean', '--all'], { cwd: workspace.root, env });
    for (const path of theirs) assert.equal(workspace.read(path), 'written long ago');
    assert.deepEqual(readdirSync(workspace.path('theirs')).sort(), [
      'notes.txt',
      'store-v1-tmp-notes',
      'tmp',
    ]);
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
