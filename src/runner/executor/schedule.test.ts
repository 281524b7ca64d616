import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import fc from 'fast-check';
import { type Task, taskId } from '../task-graph/task.ts';
import { type ContinueMode, schedule, type TurnOutcome } from './schedule.ts';

/** `{ b: ['a'] }`: b waits for a. Tasks are given in an order in which all come after those they wait for. */
type Edges = Readonly<Record<string, readonly string[]>>;

function tasksOf(edges: Edges): Task[] {
  const byName = new Map<string, Task>();
  for (const [name, needs] of Object.entries(edges)) {
    byName.set(name, {
      id: taskId('p', name),
      name,
      package: {
        name: 'p',
        directory: 'p',
        manifest: {
          file: undefined,
          name: 'p',
          version: undefined,
          scripts: {},
          dependencies: [],
          npm: undefined,
        },
      },
      command: { kind: 'command', steps: [] },
      inputs: undefined,
      outputs: [],
      env: {},
      envKeys: [],
      cache: true,
      clean: true,
      dependencies: needs.flatMap((need) => byName.get(need) ?? []),
    });
  }
  return [...byName.values()];
}

/** A run whose every turn the test ends by hand. */
class PuppetRun {
  readonly begun: string[] = [];
  readonly passedOver: string[] = [];
  readonly done: Promise<void>;
  readonly #running = new Map<string, PromiseWithResolvers<TurnOutcome>>();
  readonly #abort = new AbortController();
  most = 0;
  thrown = 0;

  constructor(edges: Edges, { concurrency = 10, mode = 'never' as ContinueMode } = {}) {
    this.done = schedule({
      tasks: tasksOf(edges),
      concurrency,
      continueAfterFailure: mode,
      signal: this.#abort.signal,
      turn: ({ name }) => {
        const turn = Promise.withResolvers<TurnOutcome>();
        this.begun.push(name);
        this.#running.set(name, turn);
        this.most = Math.max(this.most, this.#running.size);
        return turn.promise;
      },
      onPassedOver: ({ name }, why) => this.passedOver.push(`${name}: ${why}`),
      onThrown: () => this.thrown++,
    });
    this.done.catch(() => {}); // each test that expects it asks for it
  }

  get running(): string[] {
    return [...this.#running.keys()];
  }

  /** Ends a turn, and lets what follows from it happen. */
  async end(name: string, outcome: TurnOutcome = 'done'): Promise<void> {
    const turn = this.#running.get(name);
    assert.ok(turn, `${name} is running`);
    this.#running.delete(name);
    turn.resolve(outcome);
    await turnOfLoop();
  }

  async throw(name: string, error: Error): Promise<void> {
    this.#running.get(name)?.reject(error);
    this.#running.delete(name);
    await turnOfLoop();
  }

  abort(): void {
    this.#abort.abort();
  }
}

async function stateOf(promise: Promise<void>): Promise<'pending' | 'settled'> {
  const settled = promise.then(
    () => 'settled' as const,
    () => 'settled' as const,
  );
  return Promise.race([settled, turnOfLoop('pending' as const)]);
}

const DIAMOND: Edges = { core: [], ui: ['core'], api: ['core'], app: ['ui', 'api'] };

describe('order', () => {
  test('nothing to do is done', async () => {
    const run = new PuppetRun({});
    await run.done;
    assert.deepEqual(run.begun, []);
  });

  test('a task begins when all it waits for are done, and not before', async () => {
    const run = new PuppetRun(DIAMOND);
    assert.deepEqual(run.running, ['core']);
    await run.end('core');
    assert.deepEqual(run.running, ['ui', 'api']);
    await run.end('api');
    assert.deepEqual(run.running, ['ui']);
    await run.end('ui');
    assert.deepEqual(run.running, ['app']);
    await run.end('app');
    await run.done;
  });

  test('what waits for nothing begins at once, in the graph’s order', () => {
    assert.deepEqual(new PuppetRun({ b: [], a: [], c: [] }).running, ['b', 'a', 'c']);
  });

  test('a lane that is free is taken at once', async () => {
    const run = new PuppetRun({ a: [], b: [], c: [], d: [] }, { concurrency: 2 });
    assert.deepEqual(run.running, ['a', 'b']);
    await run.end('b');
    assert.deepEqual(run.running, ['a', 'c']);
  });

  test('one at a time is a single file', async () => {
    const run = new PuppetRun(DIAMOND, { concurrency: 1 });
    for (const name of ['core', 'ui', 'api', 'app']) {
      assert.deepEqual(run.running, [name]);
      await run.end(name);
    }
    await run.done;
  });

  test('the run ends when its last turn does', async () => {
    const run = new PuppetRun({ a: [] });
    let ended = false;
    void run.done.then(() => {
      ended = true;
    });
    await turnOfLoop();
    assert.equal(ended, false);
    await run.end('a');
    assert.equal(ended, true);
  });
});

describe('a turn that throws, which is a bug', () => {
  test('it is told at once, nothing more begins, and the run fails with it when all that ran has ended', async () => {
    const run = new PuppetRun({ bad: [], other: [], afterOther: ['other'] }, { mode: 'always' });
    await run.throw('bad', new Error('a bug'));
    assert.equal(run.thrown, 1);
    assert.deepEqual(run.running, ['other']);
    assert.equal(await stateOf(run.done), 'pending');
    await run.end('other');
    await assert.rejects(run.done, /a bug/);
    assert.deepEqual(run.begun, ['bad', 'other']);
    assert.deepEqual(run.passedOver, ['afterOther: interrupted']);
  });

  test('of several the first is the one the run fails with', async () => {
    const run = new PuppetRun({ a: [], b: [] });
    await run.throw('a', new Error('the first'));
    await run.throw('b', new Error('the second'));
    await assert.rejects(run.done, /the first/);
    assert.equal(run.thrown, 1);
  });

  test('so it is where the turn throws before it promises anything, or whoever hears of one passed over does', async () => {
    const options = {
      tasks: tasksOf({ a: [], b: ['a'] }),
      concurrency: 2,
      continueAfterFailure: 'never',
      signal: new AbortController().signal,
      onThrown: () => {},
    } as const;
    const throws = (): never => {
      throw new Error('a bug');
    };
    await assert.rejects(schedule({ ...options, turn: throws, onPassedOver: () => {} }), /a bug/);
    const turn = async (): Promise<TurnOutcome> => 'failed';
    await assert.rejects(schedule({ ...options, turn, onPassedOver: throws }), /a bug/);
  });
});

describe('after a failure', () => {
  const TWO_WAYS: Edges = {
    bad: [],
    other: [],
    afterBad: ['bad'],
    afterOther: ['other'],
    last: ['afterBad', 'afterOther'],
  };

  test('"never" begins nothing more, and lets what runs end', async () => {
    const run = new PuppetRun(TWO_WAYS, { mode: 'never' });
    await run.end('bad', 'failed');
    assert.deepEqual(run.running, ['other']);
    await run.end('other');
    await run.done;
    assert.deepEqual(run.begun, ['bad', 'other']);
    assert.deepEqual(run.passedOver, [
      'afterBad: dependency-failed',
      'afterOther: run-stopped',
      'last: dependency-failed',
    ]);
  });

  test('"dependencies-successful" goes on with what does not need the failed task', async () => {
    const run = new PuppetRun(TWO_WAYS, { mode: 'dependencies-successful' });
    await run.end('bad', 'failed');
    await run.end('other');
    assert.deepEqual(run.running, ['afterOther']);
    await run.end('afterOther');
    await run.done;
    assert.deepEqual(run.passedOver, ['afterBad: dependency-failed', 'last: dependency-failed']);
  });

  test('"always" goes on with everything', async () => {
    const run = new PuppetRun(TWO_WAYS, { mode: 'always' });
    await run.end('bad', 'failed');
    await run.end('other');
    await run.end('afterBad');
    await run.end('afterOther');
    await run.end('last');
    await run.done;
    assert.deepEqual(run.passedOver, []);
  });

  test('what is stopped lies in nobody’s way: all that waits is told, once', async () => {
    const run = new PuppetRun({ bad: [], a: [], b: ['a'], c: ['b'], d: ['b', 'c'] }, { concurrency: 1 });
    await run.end('bad', 'failed');
    await run.done;
    assert.deepEqual(run.passedOver, [
      'a: run-stopped',
      'b: run-stopped',
      'c: run-stopped',
      'd: run-stopped',
    ]);
  });
});

describe('an abort', () => {
  test('nothing begins any more, and what runs is waited for', async () => {
    const run = new PuppetRun(DIAMOND, { mode: 'always' });
    run.abort();
    await turnOfLoop();
    assert.deepEqual(run.passedOver, []);
    await run.end('core', 'interrupted');
    await run.done;
    assert.deepEqual(run.begun, ['core']);
    assert.deepEqual(run.passedOver.toSorted(), ['api: interrupted', 'app: interrupted', 'ui: interrupted']);
  });

  test('a turn that ended well in spite of it brings no other about', async () => {
    const run = new PuppetRun({ a: [], b: ['a'] });
    run.abort();
    await run.end('a', 'done');
    await run.done;
    assert.deepEqual(run.passedOver, ['b: interrupted']);
  });

  test('before the beginning it passes all over', async () => {
    const abort = AbortSignal.abort();
    const passedOver: string[] = [];
    await schedule({
      tasks: tasksOf(DIAMOND),
      concurrency: 2,
      continueAfterFailure: 'never',
      signal: abort,
      turn: () => assert.fail('a turn began'),
      onThrown: () => assert.fail('a turn threw'),
      onPassedOver: ({ name }) => passedOver.push(name),
    });
    assert.deepEqual(passedOver, ['core', 'ui', 'api', 'app']);
  });
});

/** Any graph without circles: each name may wait for those before it. */
const graph = fc
  .tuple(
    ...[0, 1, 2, 3, 4, 5, 6].map((count) => fc.subarray(['a', 'b', 'c', 'd', 'e', 'f', 'g'].slice(0, count))),
  )
  .map((needs): Edges => Object.fromEntries(needs.map((each, index) => ['abcdefg'[index] ?? '', each])));

describe('in any graph', () => {
  test('every task is begun or passed over exactly once, never before what it waits for, never more at once than allowed', async () => {
    const modes = fc.constantFrom<ContinueMode>('never', 'dependencies-successful', 'always');
    const failing = fc.subarray(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    const choices = fc.infiniteStream(fc.nat(100));
    await fc.assert(
      fc.asyncProperty(
        graph,
        fc.integer({ min: 1, max: 4 }),
        modes,
        failing,
        choices,
        async (edges, concurrency, mode, bad, choice) => {
          const run = new PuppetRun(edges, { concurrency, mode });
          const ended = new Set<string>();
          while (run.running.length > 0) {
            const name = run.running[choice.next().value % run.running.length] ?? '';
            for (const need of edges[name] ?? []) assert.ok(ended.has(need), `${name} waited for ${need}`);
            ended.add(name);
            await run.end(name, bad.includes(name) ? 'failed' : 'done');
          }
          await run.done;
          const told = run.passedOver.map((line) => line.split(':')[0] ?? '');
          assert.deepEqual([...run.begun, ...told].sort(), Object.keys(edges).sort());
          assert.ok(run.most <= concurrency);
          if (bad.length === 0 || mode === 'always') assert.deepEqual(told, []);
        },
      ),
    );
  });
});
