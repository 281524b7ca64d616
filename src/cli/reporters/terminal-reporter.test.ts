import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KEY } from '../../../test/rig/artifacts.ts';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import type { RunEvent, TaskOutcome } from '../../runner/events.ts';
import { type Task, taskId } from '../../runner/task-graph/task.ts';
import type { LogOrder, OutputLogs } from './reporter.ts';
import { TerminalReporter } from './terminal-reporter.ts';

const SHORT = KEY.slice(0, 12);
const EXECUTED: TaskOutcome = { status: 'executed', durationMs: 20, stored: 'stored' };
const FAILED: TaskOutcome = { status: 'failed', exitCode: 3, durationMs: 20 };
const HIT: TaskOutcome = { status: 'hit', source: 'unchanged', savedMs: 1000, durationMs: 1, sizeBytes: 0 };
const PASSED_OVER: TaskOutcome = { status: 'passed-over', why: 'dependency-failed' };

function taskOf(name: string): Task {
  return {
    id: taskId(name, 'build'),
    name: 'build',
    package: {
      name,
      directory: name,
      manifest: { file: undefined, name, version: undefined, scripts: {}, dependencies: [], npm: undefined },
    },
    command: { kind: 'command', steps: [] },
    inputs: undefined,
    outputs: [],
    env: {},
    envKeys: [],
    cache: true,
    clean: true,
    dependencies: [],
  };
}

const [WEB, LIB] = [taskOf('web'), taskOf('lib')];

/** A run as its reporter sees it. */
class Shown {
  readonly #io: CapturedIo;
  readonly #reporter: TerminalReporter;
  readonly #logs = new Map<Task, string>();

  constructor({ logs = 'full' as OutputLogs, order = 'stream' as LogOrder, github = false, env = {} } = {}) {
    this.#io = new CapturedIo({ env });
    this.#reporter = new TerminalReporter(this.#io, { outputLogs: logs, logOrder: order, github });
  }

  tell(event: RunEvent): this {
    this.#reporter.on(event);
    return this;
  }

  prints(task: Task, text: string): this {
    this.#logs.set(task, (this.#logs.get(task) ?? '') + text);
    return this.tell({ type: 'task-output', task, chunk: Buffer.from(text) });
  }

  ends(task: Task, outcome: TaskOutcome, log = this.#logs.get(task) ?? ''): this {
    return this.tell({ type: 'task-end', task, key: KEY, outcome, log: () => Buffer.from(log) });
  }

  get stdout(): string {
    return this.#io.stdout.text;
  }

  get stderr(): string {
    return this.#io.stderr.text;
  }
}

describe('in a stream', () => {
  test('lines are shown as they come, each with its task’s name', () => {
    const shown = new Shown().prints(WEB, 'one\ntw').prints(LIB, 'other\n').prints(WEB, 'o\n');
    assert.equal(shown.stdout, 'web#build: one\nlib#build: other\nweb#build: two\n');
  });

  test('a last line without its end is shown when its task ends', () => {
    const shown = new Shown().prints(WEB, 'no end');
    assert.equal(shown.stdout, '');
    assert.equal(shown.ends(WEB, EXECUTED).stdout, 'web#build: no end\n');
  });

  test('how a task ended goes to the other stream', () => {
    assert.equal(new Shown().ends(WEB, EXECUTED).stderr, `web#build: ran in 20 ms (${SHORT})\n`);
  });

  test('the log of a hit is replayed, once', () => {
    assert.equal(new Shown().ends(WEB, HIT, 'said\nbefore').stdout, 'web#build: said\nweb#build: before\n');
  });

  test('where colours are off an escape sequence is taken out, be it cut in two', () => {
    const shown = new Shown().prints(WEB, 'a \x1b[3').prints(WEB, '1mred\x1b[0m\n');
    assert.equal(shown.stdout, 'web#build: a red\n');
  });

  test('where they are on it stays, and each task’s name has a colour of its own', () => {
    const shown = new Shown({ env: { FORCE_COLOR: '1' } })
      .prints(WEB, '\x1b[31mred\x1b[0m\n')
      .prints(LIB, 'x\n');
    assert.equal(
      shown.stdout,
      '\x1b[36mweb#build: \x1b[39m\x1b[31mred\x1b[0m\n\x1b[35mlib#build: \x1b[39mx\n',
    );
  });
});

describe('grouped', () => {
  test('a task’s log is shown in one piece below its title, when it is done', () => {
    const shown = new Shown({ order: 'grouped' })
      .prints(WEB, 'one\n')
      .prints(LIB, 'other\n')
      .prints(WEB, 'two');
    assert.equal(shown.stdout, '');
    shown.ends(WEB, EXECUTED).ends(LIB, EXECUTED);
    assert.equal(
      shown.stdout,
      `web#build: ran in 20 ms (${SHORT})\none\ntwo\nlib#build: ran in 20 ms (${SHORT})\nother\n`,
    );
    assert.equal(shown.stderr, '');
  });

  test('a task that did not run is told on the other stream', () => {
    const shown = new Shown({ order: 'grouped' }).ends(WEB, PASSED_OVER);
    assert.deepEqual([shown.stdout, shown.stderr], ['', 'web#build: not run: a task it needs failed\n']);
  });
});

describe('in GitHub Actions', () => {
  const ACTIONS = { order: 'grouped', github: true } as const;

  test('a log is folded', () => {
    assert.equal(
      new Shown(ACTIONS).prints(WEB, 'one').ends(WEB, EXECUTED).stdout,
      `::group::web#build: ran in 20 ms (${SHORT})\none\n::endgroup::\n`,
    );
  });

  test('the log of what failed is not: a fold cannot be opened for the reader', () => {
    assert.doesNotMatch(new Shown(ACTIONS).prints(WEB, 'one\n').ends(WEB, FAILED).stdout, /::group::/);
  });

  test('an empty log is no fold', () => {
    assert.equal(new Shown(ACTIONS).ends(WEB, EXECUTED).stdout, `web#build: ran in 20 ms (${SHORT})\n`);
  });

  test('a notice is a line, and no warning', () => {
    for (const options of [{}, ACTIONS]) {
      const { stderr } = new Shown(options).tell({ type: 'notice', message: 'nothing is wrong' });
      assert.equal(stderr, 'nothing is wrong\n');
    }
  });

  test('failures and warnings are annotations, their special characters escaped', () => {
    const shown = new Shown(ACTIONS).tell({ type: 'warning', message: '100%\nsure' }).tell({
      type: 'end',
      summary: {
        tasks: 1,
        hits: { unchanged: 0, local: 0, remote: 0 },
        executed: 0,
        failed: [taskId('a:b,c', 'build')],
        passedOver: 0,
        savedMs: 0,
        durationMs: 5,
        exitCode: 1,
      },
    });
    assert.equal(shown.stdout, '::error title=a%3Ab%2Cc#build::a:b,c#build failed\n');
    assert.match(shown.stderr, /^::warning::100%25%0Asure\n/);
  });
});

describe('which logs are shown', () => {
  /** Of a task that ran, one that failed, one from the cache. */
  function shownWith(logs: OutputLogs, order: LogOrder): Shown {
    return new Shown({ logs, order })
      .prints(WEB, 'ran\n')
      .ends(WEB, EXECUTED)
      .prints(LIB, 'broke\n')
      .ends(LIB, FAILED)
      .ends(taskOf('doc'), HIT, 'cached\n');
  }

  const expected: Readonly<Record<OutputLogs, readonly string[]>> = {
    full: ['ran', 'broke', 'cached'],
    'new-only': ['ran', 'broke'],
    'errors-only': ['broke'],
    'hash-only': [],
    none: [],
  };
  for (const order of ['stream', 'grouped'] as const) {
    for (const [logs, shown] of Object.entries(expected)) {
      test(`${logs}, ${order}: ${shown.join(', ') || 'none'}`, () => {
        const { stdout } = shownWith(logs as OutputLogs, order);
        assert.deepEqual(stdout.match(/ran$|broke$|cached$/gm) ?? [], shown);
      });
    }
  }

  test('"hash-only" shows each key in full', () => {
    assert.match(shownWith('hash-only', 'stream').stderr, new RegExp(`^web#build: .* ${KEY}$`, 'm'));
  });

  test('"none" says nothing of tasks, but what failed is told at the end', () => {
    assert.equal(shownWith('none', 'stream').stderr, '');
  });
});

describe('the run', () => {
  test('its beginning tells of tasks, packages and caches', () => {
    const begin = { type: 'begin', tasks: 2, packages: 1, remote: true } as const;
    assert.equal(new Shown().tell(begin).stderr, '2 tasks in 1 package, local and remote cache\n');
    assert.equal(
      new Shown().tell({ ...begin, tasks: 1, packages: 3, remote: false }).stderr,
      '1 task in 3 packages, local cache\n',
    );
  });

  test('what is still being sent is told', () => {
    assert.equal(
      new Shown().tell({ type: 'uploads', waitingFor: 1 }).stderr,
      'sending 1 artifact to the remote cache\n',
    );
  });

  test('its end names what failed, then the numbers', () => {
    const shown = new Shown().tell({
      type: 'end',
      summary: {
        tasks: 2,
        hits: { unchanged: 0, local: 0, remote: 0 },
        executed: 1,
        failed: [LIB.id],
        passedOver: 0,
        savedMs: 0,
        durationMs: 5,
        exitCode: 3,
      },
    });
    assert.equal(shown.stderr, 'failed: lib#build\n2 tasks · 1 ran · 1 failed · 5 ms\n');
    assert.equal(shown.stdout, '');
  });
});
