import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { openTempFolder, type TempFolder } from '../../../../test/rig/temp-folder.ts';
import { until } from '../../../../test/rig/until.ts';
import { type Clock, systemClock } from '../../../base/clock.ts';
import { isRunning } from '../../../base/process-identity.ts';
import { parseYaml } from '../../../config/yaml-file.ts';
import { openLogger } from '../../../telemetry/logger.ts';
import { type BuildOutcome, BuildService } from './build-service.ts';
import { parseBuildRequest } from './build-spec.ts';
import { type OutputLimits, Outputs } from './outputs.ts';
import { readRecipeFile } from './recipe-file.ts';

const LIMITS: OutputLimits = { entries: 100, size: 2 ** 30, age: 7 * 86_400_000, moving_age: 1_800_000 };
const here = new AbortController().signal;

interface Options {
  readonly more?: string;
  readonly limits?: Partial<OutputLimits>;
  readonly clock?: Clock;
  readonly concurrency?: number;
  readonly queue?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** A service with one recipe: a script of `sh`, whose `$1` is where the binary goes and whose `$2` is the version. */
async function openService(folder: TempFolder, script: string, options: Options = {}) {
  const { more = '', limits, clock = systemClock, concurrency = 4, queue = 100, env = {} } = options;
  const command = JSON.stringify(['sh', '-c', script, 'sh', '{output}', '{rr_version}']);
  const yaml = parseYaml('b.yml', `recipes: { it: { command: ${command}, output: bin/it${more} } }`, {});
  const file = yaml.ok ? readRecipeFile(yaml.value) : yaml;
  assert.ok(file.ok);
  const { recipes } = file.value;
  const outputs = await Outputs.open(join(folder.path, 'out'), { ...LIMITS, ...limits }, clock);
  const surroundings = { clock, logger: openLogger('silent'), env: { PATH: process.env['PATH'], ...env } };
  const service = new BuildService({ recipes, outputs, concurrency, queue, ...surroundings });
  return {
    service,
    outputs,
    build: (version: string, { force = false, signal = here } = {}): Promise<BuildOutcome> =>
      service.build(parseBuildRequest({ rr_version: version, force_rebuild: force }), signal),
    async [Symbol.asyncDispose]() {
      service.end();
      await service.idle();
      await outputs.close();
    },
  };
}

function built(outcome: BuildOutcome): Extract<BuildOutcome, { ok: true }> {
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.error.message);
  return outcome;
}

function failedAs(outcome: BuildOutcome, code: string, words: RegExp): Extract<BuildOutcome, { ok: false }> {
  assert.ok(!outcome.ok);
  assert.equal(outcome.error.code, code);
  assert.match(outcome.error.message, words);
  return outcome;
}

/** Counts its runs in a file, and builds from the version. */
function counting(folder: TempFolder): { readonly script: string; runs(): Promise<number> } {
  const path = join(folder.path, 'runs');
  return {
    script: `echo run >> ${path}; echo "$2" > "$1"`,
    runs: async () => (await readFile(path, 'utf8')).length / 'run\n'.length,
  };
}

function inner(folder: TempFolder, name: string): Promise<string[]> {
  return readdir(join(folder.path, 'out/.velocity', name));
}

describe('a build', () => {
  test('leaves its binary, its log and nothing else', async () => {
    await using folder = await openTempFolder();
    await using it = await openService(
      folder,
      'echo making; echo oops >&2; echo "$2" > "$1"; chmod 755 "$1"',
    );
    const { path, logs } = built(await it.build('v1.0.0'));
    assert.equal(await readFile(path, 'utf8'), 'v1.0.0\n');
    assert.equal((await stat(path)).mode & 0o777, 0o755);
    assert.equal(logs, 'making\noops\n');
    assert.equal(await readFile(join(path, '../build.log'), 'utf8'), 'making\noops\n');
    assert.deepEqual(await inner(folder, 'work'), []);
  });

  test('begins in an empty folder, with the variables of its recipe and no others', async () => {
    await using folder = await openTempFolder();
    const more =
      ", env: { SET: 'a {os} $b' }, pass_env: [PASSED, MISSING], files: [{ path: src/a.txt, text: hello }]";
    const env = { PASSED: 'yes', SECRET: 'no' };
    await using it = await openService(folder, '(env; find . -type f; cat src/a.txt) > "$1"', { more, env });
    const lines = (await readFile(built(await it.build('v1.0.0')).path, 'utf8')).split('\n');
    const names = lines
      .map((line) => line.replace(/=.*/, ''))
      .filter((name) => !['PWD', '_', 'SHLVL', 'OLDPWD'].includes(name));
    assert.deepEqual(names.toSorted(), [
      './bin/it',
      './src/a.txt',
      'HOME',
      'PASSED',
      'PATH',
      'SET',
      'TMPDIR',
      'hello',
    ]);
    assert.ok(lines.includes('SET=a {os} $b'));
  });

  test('that fails tells its exit code and the end of its log, which is kept', async () => {
    await using folder = await openTempFolder();
    await using it = await openService(folder, 'echo "main.c:3: error" >&2; exit 3');
    const { buildId, logs } = failedAs(await it.build('v1.0.0'), 'COMPILE_FAILED', /exit code 3/);
    assert.equal(logs, 'main.c:3: error\n');
    assert.deepEqual(await inner(folder, 'failed'), [`${buildId}.log`]);
    assert.deepEqual(await inner(folder, 'work'), []);
    assert.equal(it.outputs.size, 0);
  });

  test('that takes too long is ended with all that it started', async () => {
    await using folder = await openTempFolder();
    await using it = await openService(folder, 'sleep 600 & echo $!; wait', { more: ', timeout: 200ms' });
    const { logs } = failedAs(
      await it.build('v1.0.0'),
      'COMPILE_TIMEOUT',
      /longer than the recipe allows: 0.2 s/,
    );
    await until(async () => !isRunning(Number(logs)));
  });

  test('that is done takes with it what it left in the background', async () => {
    await using folder = await openTempFolder();
    await using it = await openService(folder, 'sleep 600 & echo $!; echo x > "$1"');
    const { logs } = built(await it.build('v1.0.0'));
    await until(async () => !isRunning(Number(logs)));
  });

  test('whose binary grows beyond the limit is stopped', async () => {
    await using folder = await openTempFolder();
    await using it = await openService(folder, 'exec yes > "$1"', { more: ', max_output_bytes: 1KiB' });
    failedAs(await it.build('v1.0.0'), 'COMPILE_FAILED', /larger than the recipe allows: 1024 bytes/);
  });

  test('whose binary is too large in the end is refused', async () => {
    await using folder = await openTempFolder();
    const more = ', max_output_bytes: 10';
    await using it = await openService(folder, 'printf 12345678901 > "$1"', { more });
    failedAs(await it.build('v1.0.0'), 'COMPILE_FAILED', /larger/);
  });

  test('that prints without end costs no more than the limit', async () => {
    await using folder = await openTempFolder();
    const script = 'echo first; head -c 3000000 /dev/zero | tr "\\0" "\\n"; echo last; echo x > "$1"';
    await using it = await openService(folder, script, { more: ', max_log_bytes: 4KiB' });
    const { path } = built(await it.build('v1.0.0'));
    const log = await readFile(join(path, '../build.log'), 'utf8');
    assert.match(log, /^first\n[\s\S]*bytes of the log are left out here[\s\S]*\nlast\n$/);
    assert.ok(log.length < 4096 + 100);
  });

  const refused: Readonly<Record<string, [string, RegExp]>> = {
    'no file': ['true', /made no file bin\/it/],
    'a link': ['ln -s /etc/passwd "$1"', /no file of its own/],
    'a folder': ['mkdir "$1"', /no file of its own/],
  };
  for (const [what, [script, words]] of Object.entries(refused))
    test(`that leaves ${what} fails`, async () => {
      await using folder = await openTempFolder();
      await using it = await openService(folder, script);
      failedAs(await it.build('v1.0.0'), 'COMPILE_FAILED', words);
    });

  test('a binary in a folder that is a link to another is not taken from there', async () => {
    await using folder = await openTempFolder();
    const secret = join(folder.path, 'it');
    await writeFile(secret, 'secret');
    await using it = await openService(folder, `rmdir bin; ln -s ${folder.path} bin`);
    failedAs(await it.build('v1.0.0'), 'COMPILE_FAILED', /no file of its own/);
    assert.equal(await readFile(secret, 'utf8'), 'secret');
  });

  test('a program that is not there is told', async () => {
    await using folder = await openTempFolder();
    await using it = await openService(folder, 'true', { env: { PATH: '/nowhere' } });
    failedAs(await it.build('v1.0.0'), 'COMPILE_FAILED', /sh cannot be started: ENOENT/);
  });
});

describe('equal builds', () => {
  test('fifty that ask at once share one run, and later ones what is kept', async () => {
    await using folder = await openTempFolder();
    const { script, runs } = counting(folder);
    await using it = await openService(folder, `sleep 0.1; ${script}`);
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => it.build('v1.0.0')));
    const again = built(await it.build('v1.0.0'));
    assert.deepEqual(new Set(outcomes.map((each) => each.buildId)), new Set([again.buildId]));
    assert.equal(await runs(), 1);
  });

  test('a failure is kept for nobody', async () => {
    await using folder = await openTempFolder();
    const flag = join(folder.path, 'flag');
    await using it = await openService(folder, `test -e ${flag} && echo x > "$1"`);
    failedAs(await it.build('v1.0.0'), 'COMPILE_FAILED', /exit code 1/);
    await writeFile(flag, '');
    built(await it.build('v1.0.0'));
  });

  test('one that is forced builds anew, and what it makes is kept instead', async () => {
    await using folder = await openTempFolder();
    const { script, runs } = counting(folder);
    await using it = await openService(folder, script);
    const first = built(await it.build('v1.0.0'));
    const forced = built(await it.build('v1.0.0', { force: true }));
    const last = built(await it.build('v1.0.0'));
    assert.deepEqual([first.path === last.path, last.buildId, await runs()], [true, forced.buildId, 2]);
  });

  test('when every asker is gone the command is ended and its folder removed', async () => {
    await using folder = await openTempFolder();
    const pidFile = join(folder.path, 'pid');
    await using it = await openService(
      folder,
      `sleep 600 & echo $! > ${pidFile}.tmp; mv ${pidFile}.tmp ${pidFile}; wait`,
    );
    const askers = [new AbortController(), new AbortController()];
    const asked = askers.map(({ signal }) => it.build('v1.0.0', { signal }));
    const answers = Promise.allSettled(asked);
    await until(async () => existsSync(pidFile));
    const pid = Number(await readFile(pidFile, 'utf8'));
    askers[0]?.abort(new Error('gone'));
    assert.ok(isRunning(pid));
    askers[1]?.abort(new Error('gone'));
    await answers;
    await it.service.idle();
    await until(async () => !isRunning(pid));
    assert.deepEqual(await inner(folder, 'work'), []);
  });

  test('beyond the queue they are refused, and what is kept is answered all the same', async () => {
    await using folder = await openTempFolder();
    const flag = join(folder.path, 'flag');
    const script = `if test "$2" = v1.0.0; then echo x > "$1"; else touch ${flag}; exec sleep 600; fi`;
    await using it = await openService(folder, script, { concurrency: 1, queue: 0 });
    built(await it.build('v1.0.0'));
    const asker = new AbortController();
    const running = it.build('v2.0.0', { signal: asker.signal });
    await until(async () => existsSync(flag));
    await assert.rejects(it.build('v3.0.0'), { code: 'BUILDS_EXHAUSTED' });
    built(await it.build('v1.0.0'));
    asker.abort(new Error('gone'));
    await assert.rejects(running, /gone/);
  });

  test('a server that ends tells those who wait, and takes no more', async () => {
    await using folder = await openTempFolder();
    await using it = await openService(folder, 'exec sleep 600');
    const running = it.build('v1.0.0');
    it.service.end();
    await assert.rejects(running, { code: 'BUILDS_ENDING' });
    await assert.rejects(it.build('v2.0.0'), { code: 'BUILDS_ENDING' });
  });
});

describe('what is kept', () => {
  test('is found by the next server, unless it was cut off or the recipe is another', async () => {
    await using folder = await openTempFolder();
    const { script, runs } = counting(folder);
    let whole: string;
    {
      await using it = await openService(folder, script);
      whole = built(await it.build('v1.0.0')).buildId;
      await truncate(built(await it.build('v2.0.0')).path, 1);
    }
    {
      await using it = await openService(folder, script);
      assert.equal(it.outputs.size, 1);
      assert.equal(built(await it.build('v1.0.0')).buildId, whole);
      assert.equal(await readFile(built(await it.build('v2.0.0')).path, 'utf8'), 'v2.0.0\n');
      assert.equal(await runs(), 3);
    }
    await using it = await openService(folder, `${script}; true`);
    assert.notEqual(built(await it.build('v1.0.0')).buildId, whole);
  });

  test('a binary that somebody removed is built again', async () => {
    await using folder = await openTempFolder();
    const { script, runs } = counting(folder);
    await using it = await openService(folder, script);
    await truncate(built(await it.build('v1.0.0')).path, 0);
    built(await it.build('v1.0.0'));
    assert.equal(await runs(), 2);
  });

  test('beyond the number the one that was not asked for the longest goes', async () => {
    await using folder = await openTempFolder();
    await using it = await openService(folder, 'echo "$2" > "$1"', { limits: { entries: 2 } });
    const [one, two] = [built(await it.build('v1.0.0')), built(await it.build('v2.0.0'))];
    built(await it.build('v1.0.0'));
    built(await it.build('v3.0.0'));
    assert.deepEqual([existsSync(one.path), existsSync(two.path), it.outputs.size], [true, false, 2]);
  });

  test('beyond the bytes too, but never the one that is being answered', async () => {
    await using folder = await openTempFolder();
    await using it = await openService(folder, 'echo "$2" > "$1"', { limits: { size: 1 } });
    const one = built(await it.build('v1.0.0'));
    assert.ok(existsSync(one.path));
    const two = built(await it.build('v2.0.0'));
    assert.deepEqual([existsSync(one.path), existsSync(two.path)], [false, true]);
  });

  test('what is too old is built again, a branch sooner than a version', async () => {
    await using folder = await openTempFolder();
    const { script, runs } = counting(folder);
    const clock = new ManualClock();
    await using it = await openService(folder, script, { clock });
    for (const version of ['v1.0.0', 'master']) built(await it.build(version));
    clock.advance(LIMITS.moving_age + 1);
    for (const version of ['v1.0.0', 'master']) built(await it.build(version));
    assert.equal(await runs(), 3);
    clock.advance(LIMITS.age + 1);
    await it.outputs.prune();
    assert.equal(it.outputs.size, 0);
  });

  test('a second server does not use the same folder', async () => {
    await using folder = await openTempFolder();
    await using _it = await openService(folder, 'true');
    await assert.rejects(openService(folder, 'true'), { code: 'STORAGE_UNAVAILABLE' });
  });
});
