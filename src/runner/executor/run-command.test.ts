import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { until } from '../../../test/rig/until.ts';
import { GRACE_MS } from '../../base/process-group.ts';
import { runCommand } from './run-command.ts';

interface Options {
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly hurry?: AbortSignal;
  readonly clock?: ManualClock;
  readonly env?: NodeJS.ProcessEnv;
  readonly onOutput?: (text: string) => void;
  readonly untilTaken?: () => Promise<void> | undefined;
}

/** A command under way, and what it printed so far. */
class Running {
  output = '';
  readonly exitCode: Promise<number>;

  constructor(lines: string | readonly string[], { cwd = '/', env, onOutput, ...options }: Options = {}) {
    const steps = (typeof lines === 'string' ? [lines] : lines).map((line, index) => ({
      name: `step${index}`,
      line,
    }));
    this.exitCode = runCommand({
      signal: new AbortController().signal,
      ...options,
      steps,
      cwd,
      envOf: ({ name }) => ({ PATH: process.env['PATH'], STEP: name, ...env }),
      onOutput: (chunk) => {
        this.output += chunk.toString();
        onOutput?.(chunk.toString());
      },
    }).then(({ exitCode }) => exitCode);
  }

  /** Waits until it has printed this many lines; gives them. */
  async lines(count: number): Promise<string[]> {
    await until(async () => this.output.split('\n').length > count);
    return this.output.split('\n');
  }
}

/** Not gone, and not a zombie that nobody has buried. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

const RUN_COMMAND = fileURLToPath(new URL('./run-command.ts', import.meta.url));

/** What a program of its own prints. */
function printedBy(script: string): string {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['--input-type=module', '-e', script];
  return execFileSync(process.execPath, args, { env, encoding: 'utf8', timeout: 30_000 });
}

const IGNORES_TERM = 'trap "" TERM; echo $$; while :; do sleep 60; done';

describe('output that nobody takes', () => {
  const PRINTED = 10_000_000;

  test('holds the command up instead of filling the memory, and comes whole once it is taken', async () => {
    const taken = Promise.withResolvers<void>();
    const running = new Running(`head -c ${PRINTED} /dev/zero`, { untilTaken: () => taken.promise });
    await until(async () => running.output.length > 0);
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
    assert.ok(running.output.length < PRINTED / 10, String(running.output.length));
    taken.resolve();
    assert.equal(await running.exitCode, 0);
    assert.equal(running.output.length, PRINTED);
  });

  test('is waited for after the command’s own end', async () => {
    const taken = Promise.withResolvers<void>();
    const running = new Running('echo one; echo two >&2; exit 3', { untilTaken: () => taken.promise });
    await until(async () => running.output.length > 0);
    taken.resolve();
    assert.equal(await running.exitCode, 3);
    assert.deepEqual(running.output.trim().split('\n').sort(), ['one', 'two']);
  });

  test('does not hold an abort up', async () => {
    const abort = new AbortController();
    const never = new Promise<void>(() => {});
    const running = new Running('yes', { untilTaken: () => never, signal: abort.signal });
    await until(async () => running.output.length > 0);
    abort.abort();
    assert.ok((await running.exitCode) > 128);
  });
});

describe('exit codes', () => {
  const cases: readonly (readonly [rule: string, line: string, code: number])[] = [
    ['a command that ends well gives 0', 'true', 0],
    ['a command that fails gives its own', 'exit 42', 42],
    ['a command that is not found gives 127', 'no-such-command-at-all', 127],
    ['a file that cannot be run gives 126', '/etc/passwd', 126],
    ['one that SIGTERM ends gives 143', 'kill -TERM $$', 143],
    ['one that SIGKILL ends gives 137', 'kill -KILL $$', 137],
    ['one that SIGPIPE ends gives 141', 'kill -PIPE $$', 141],
    ['one that SIGUSR1 ends gives 138', 'kill -USR1 $$', 138],
    ['what a shell gives for a signal of its own child stays', 'sh -c "kill -INT \\$\\$"; exit $?', 130],
  ];
  for (const [rule, line, code] of cases) {
    test(rule, async () => {
      assert.equal(await new Running(line).exitCode, code);
    });
  }

  test('a folder that is not there gives 127 and says why', async () => {
    const running = new Running('true', { cwd: '/no/such/folder' });
    assert.equal(await running.exitCode, 127);
    assert.match(running.output, /ENOENT/);
  });

  test('nothing to run ends well', async () => {
    assert.equal(await new Running([]).exitCode, 0);
  });
});

describe('steps', () => {
  test('they run one after the other, each in its own environment', async () => {
    const running = new Running(['echo $STEP', 'echo $STEP', 'echo $STEP']);
    assert.equal(await running.exitCode, 0);
    assert.equal(running.output, 'step0\nstep1\nstep2\n');
  });

  test('the first that fails ends them', async () => {
    const running = new Running(['echo one', 'exit 3', 'echo three']);
    assert.equal(await running.exitCode, 3);
    assert.equal(running.output, 'one\n');
  });

  test('each runs through a shell, in the folder', async () => {
    await using folder = await openTempFolder();
    const running = new Running('pwd | tr / . && echo "$A"', { cwd: folder.path, env: { A: 'a  b' } });
    await running.exitCode;
    assert.equal(running.output, `${folder.path.replaceAll('/', '.')}\na  b\n`);
  });

  test('there is no input: what asks for some gets its end', async () => {
    const running = new Running('cat; echo done');
    assert.equal(await running.exitCode, 0);
    assert.equal(running.output, 'done\n');
  });
});

describe('output', () => {
  test('standard output and error are one stream, in the order in which they came', async () => {
    await using folder = await openTempFolder();
    // Each line is printed only when the one before it has been seen.
    const after = (line: string): string => `until [ -e ${line} ]; do sleep 0.01; done`;
    const line = `echo one; ${after('one')}; echo two >&2; ${after('two')}; echo three; ${after('three')}; echo four >&2`;
    const running = new Running(line, {
      cwd: folder.path,
      onOutput: (text) => writeFileSync(`${folder.path}/${text.trim()}`, ''),
    });
    await running.exitCode;
    assert.equal(running.output, 'one\ntwo\nthree\nfour\n');
  });

  test('all of it has come when the command is done, be it much', async () => {
    const running = new Running(
      'head -c 3000000 /dev/zero | tr "\\0" x; head -c 1000 /dev/zero | tr "\\0" y >&2',
    );
    await running.exitCode;
    assert.equal(running.output.length, 3_001_000);
  });

  test('what comes last is not lost where this process is busy for long', async () => {
    let busy = true;
    const running = new Running('echo first; sleep 0.05; head -c 60000 /dev/zero | tr "\\0" x', {
      onOutput: () => {
        // Longer than the time that pipes get after the command's end.
        for (const end = Date.now() + 700; busy && Date.now() < end; );
        busy = false;
      },
    });
    await running.exitCode;
    assert.equal(running.output.length, 'first\n'.length + 60_000);
  });
});

describe('processes left in the background', () => {
  test('they do not hold the command up', async () => {
    const running = new Running('sleep 60 & echo $!');
    assert.equal(await running.exitCode, 0);
    const pid = Number(running.output);
    assert.equal(isAlive(pid), true);
    process.kill(pid, 'SIGKILL');
  });

  test('they do not keep this process alive', async () => {
    const script = `
      import { runCommand } from ${JSON.stringify(RUN_COMMAND)};
      await runCommand({
        steps: [{ name: 'x', line: 'sleep 60 & echo $!' }],
        cwd: '/',
        envOf: () => process.env,
        onOutput: (chunk) => process.stdout.write(chunk),
        signal: new AbortController().signal,
      });`;
    process.kill(Number(printedBy(script)), 'SIGKILL');
  });
});

describe('an end of this process', () => {
  test('by an error nobody caught takes with it what runs', async () => {
    const script = `
      import { runCommand } from ${JSON.stringify(RUN_COMMAND)};
      process.on('uncaughtException', () => process.exit(0));
      await runCommand({
        steps: [{ name: 'x', line: 'sleep 60 & echo $!; wait' }],
        cwd: '/',
        envOf: () => process.env,
        onOutput: (chunk) => process.stdout.write(chunk, () => { throw new Error('a bug'); }),
        signal: new AbortController().signal,
      });`;
    const pid = Number(printedBy(script));
    assert.ok(pid > 0);
    await until(async () => !isAlive(pid));
  });
});

describe('an abort', () => {
  test('the command is asked to end, and may clean up', async () => {
    const abort = new AbortController();
    const running = new Running(
      'trap "echo cleaned; exit 9" TERM; echo ready; while :; do sleep 0.01; done',
      { signal: abort.signal },
    );
    await running.lines(1);
    abort.abort();
    assert.equal(await running.exitCode, 9);
    assert.match(running.output, /^cleaned$/m);
  });

  test('all that the command started is ended with it', async () => {
    const abort = new AbortController();
    const running = new Running('sh -c "sleep 60 & echo \\$!; wait" & sleep 60 & echo $!; wait', {
      signal: abort.signal,
    });
    const pids = (await running.lines(2)).slice(0, 2).map(Number);
    abort.abort();
    assert.equal(await running.exitCode, 143);
    await until(async () => !pids.some(isAlive));
  });

  test('what the command started may clean up too, after the command’s own end', async () => {
    await using folder = await openTempFolder();
    const abort = new AbortController();
    // The child ends its cleaning only when the test lets it, long after the shell has gone.
    const child =
      'trap "until [ -e go ]; do sleep 0.01; done; echo cleaned; exit" TERM; echo child; while :; do sleep 0.01; done';
    const running = new Running(`sh -c '${child}' & trap "exit 7" TERM; echo $$; wait`, {
      signal: abort.signal,
      cwd: folder.path,
    });
    const shell = Number((await running.lines(2)).find((line) => /^\d+$/.test(line)));
    let ended = false;
    void running.exitCode.then(() => {
      ended = true;
    });
    abort.abort();
    await until(async () => !isAlive(shell));
    await turnOfLoop();
    assert.equal(ended, false, 'the command is not over while something of it lives');
    writeFileSync(`${folder.path}/go`, '');
    assert.equal(await running.exitCode, 7);
    assert.match(running.output, /^cleaned$/m);
  });

  test('what the command started and that does not listen is killed when the time of grace is over', async () => {
    const abort = new AbortController();
    const clock = new ManualClock();
    const running = new Running(`(${IGNORES_TERM}) & trap "exit 7" TERM; echo "shell $$ child $!"; wait`, {
      signal: abort.signal,
      clock,
    });
    await running.lines(2);
    const [, shell, child] = (/shell (\d+) child (\d+)/.exec(running.output) ?? []).map(Number);
    abort.abort();
    await until(async () => !isAlive(shell ?? 0));
    clock.advance(GRACE_MS - 1);
    await turnOfLoop();
    assert.equal(isAlive(child ?? 0), true);
    clock.advance(1);
    assert.equal(await running.exitCode, 7);
    await until(async () => !isAlive(child ?? 0));
  });

  test('in a hurry what the command left is killed at once', async () => {
    const [abort, hurry] = [new AbortController(), new AbortController()];
    const running = new Running(`(${IGNORES_TERM}) & trap "exit 7" TERM; echo "shell $$ child $!"; wait`, {
      signal: abort.signal,
      hurry: hurry.signal,
      clock: new ManualClock(),
    });
    await running.lines(2);
    const [, shell, child] = (/shell (\d+) child (\d+)/.exec(running.output) ?? []).map(Number);
    abort.abort();
    await until(async () => !isAlive(shell ?? 0));
    hurry.abort();
    assert.equal(await running.exitCode, 7);
    await until(async () => !isAlive(child ?? 0));
  });

  test('this process waits for what the command left, though nothing else keeps it alive', () => {
    const script = `
      import { runCommand } from ${JSON.stringify(RUN_COMMAND)};
      const abort = new AbortController();
      const child = 'trap "sleep 0.05; exit" TERM; echo up >&3; exec 3>&-; while :; do sleep 0.01; done';
      await runCommand({
        steps: [{ name: 'x', line: "exec 3>&1; sh -c '" + child + "' >/dev/null 2>&1 & trap 'exit 7' TERM; wait" }],
        cwd: '/',
        envOf: () => process.env,
        onOutput: () => abort.abort(),
        signal: abort.signal,
      });
      console.log('waited');`;
    assert.equal(printedBy(script), 'waited\n');
  });

  test('a command that does not listen is killed when its time of grace is over, and not before', async () => {
    const abort = new AbortController();
    const clock = new ManualClock();
    const running = new Running(IGNORES_TERM, { signal: abort.signal, clock });
    const pid = Number((await running.lines(1))[0]);
    abort.abort();
    clock.advance(GRACE_MS - 1);
    await turnOfLoop();
    assert.equal(isAlive(pid), true);
    clock.advance(1);
    assert.equal(await running.exitCode, 137);
  });

  test('in a hurry it is killed at once', async () => {
    const [abort, hurry] = [new AbortController(), new AbortController()];
    const running = new Running(IGNORES_TERM, {
      signal: abort.signal,
      hurry: hurry.signal,
      clock: new ManualClock(),
    });
    await running.lines(1);
    abort.abort();
    hurry.abort();
    assert.equal(await running.exitCode, 137);
  });

  test('before the beginning it keeps everything from running', async () => {
    await using folder = await openTempFolder();
    const running = new Running('touch made', { cwd: folder.path, signal: AbortSignal.abort() });
    assert.equal(await running.exitCode, 143);
    assert.equal(existsSync(`${folder.path}/made`), false);
  });

  test('between two steps it keeps the second from running', async () => {
    await using folder = await openTempFolder();
    const abort = new AbortController();
    const running = new Running(
      ['trap "exit 0" TERM; echo ready; while :; do sleep 0.01; done', 'touch made'],
      {
        cwd: folder.path,
        signal: abort.signal,
      },
    );
    await running.lines(1);
    abort.abort();
    assert.equal(await running.exitCode, 143);
    assert.equal(existsSync(`${folder.path}/made`), false);
  });

  test('after the end it changes nothing', async () => {
    const abort = new AbortController();
    const running = new Running('exit 5', { signal: abort.signal });
    assert.equal(await running.exitCode, 5);
    abort.abort();
    assert.equal(await running.exitCode, 5);
  });
});
