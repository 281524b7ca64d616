import assert from 'node:assert/strict';
import {
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { describe, test } from 'node:test';
import { KEY, placeIn } from '../../../test/rig/artifacts.ts';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { type CacheKey, parseCacheKey } from '../../base/cache-key.ts';
import { taskId } from '../task-graph/task.ts';
import { OutputState } from './output-state.ts';

const ID = taskId('web', 'build');
const OTHER_KEY = parseCacheKey('cd'.repeat(32)) as CacheKey;
const NO_LOG = Buffer.alloc(0);

async function workspace(): Promise<TempWorkspace> {
  const here = await TempWorkspace.open(
    { 'packages/web/dist/a': 'one', 'packages/web/dist/b/c': 'two', 'packages/web/src/x': '' },
    { git: false },
  );
  mkdirSync(here.path('packages/web/dist/empty'));
  symlinkSync('a', here.path('packages/web/dist/link'));
  return here;
}

function stateOf(here: TempWorkspace): OutputState {
  return new OutputState(here.path('.velocity/state-v1'));
}

/** What the next run finds after a change: how long the task took, or that it is not current. */
async function afterChange(change: (here: TempWorkspace) => void): Promise<number | undefined> {
  await using here = await workspace();
  const { outputs } = placeIn(here);
  const state = stateOf(here);
  state.record(ID, KEY, 1234, outputs.find(), NO_LOG);
  state.save();
  change(here);
  return stateOf(here).durationIfCurrent(ID, KEY, () => outputs.find());
}

describe('durationIfCurrent', () => {
  test('outputs that nobody touched are current in the next run', async () => {
    assert.equal(await afterChange(() => {}), 1234);
  });

  test('what is no output may change', async () => {
    assert.equal(await afterChange((here) => here.write({ 'packages/web/src/x': 'new' })), 1234);
  });

  test('a folder that something came into and left again is as it was', async () => {
    assert.equal(
      await afterChange((here) => {
        mkdirSync(here.path('packages/web/dist/empty/x'));
        rmdirSync(here.path('packages/web/dist/empty/x'));
      }),
      1234,
    );
  });

  const changes: Readonly<Record<string, (here: TempWorkspace) => void>> = {
    'written anew, be it with the same content': (here) => here.write({ 'packages/web/dist/a': 'one' }),
    touched: (here) => utimesSync(here.path('packages/web/dist/a'), 1, 1),
    'of another mode': (here) => here.chmod('packages/web/dist/a', 0o755),
    removed: (here) => here.remove('packages/web/dist/a'),
    renamed: (here) => renameSync(here.path('packages/web/dist/a'), here.path('packages/web/dist/z')),
    'joined by another': (here) => here.write({ 'packages/web/dist/new': '' }),
    'a link to somewhere else': (here) => {
      unlinkSync(here.path('packages/web/dist/link'));
      symlinkSync('b', here.path('packages/web/dist/link'));
    },
    'an empty folder of another mode': (here) => here.chmod('packages/web/dist/empty', 0o700),
    'an empty folder that is not empty any more': (here) => here.write({ 'packages/web/dist/empty/x': '' }),
    'all gone': (here) => here.remove('packages/web/dist'),
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`an output that is ${what} makes them not current`, async () => {
      assert.equal(await afterChange(change), undefined);
    });
  }

  test('those of another key are not current, nor those of another task', async () => {
    await using here = await workspace();
    const { outputs } = placeIn(here);
    const state = stateOf(here);
    state.record(ID, KEY, 1, outputs.find(), NO_LOG);
    assert.equal(
      state.durationIfCurrent(ID, OTHER_KEY, () => outputs.find()),
      undefined,
    );
    assert.equal(
      state.durationIfCurrent(taskId('web', 'test'), KEY, () => outputs.find()),
      undefined,
    );
  });

  test('a task without outputs is current by its key alone', async () => {
    await using here = await workspace();
    const { outputs } = placeIn(here, { patterns: [] });
    const state = stateOf(here);
    state.record(ID, KEY, 7, outputs.find(), NO_LOG);
    assert.equal(
      state.durationIfCurrent(ID, KEY, () => outputs.find()),
      7,
    );
  });

  test('where what is there cannot be the task’s, nothing is current', async () => {
    await using here = await workspace();
    const state = stateOf(here);
    state.record(ID, KEY, 1, [], NO_LOG);
    assert.equal(
      state.durationIfCurrent(ID, KEY, () => undefined),
      undefined,
    );
  });

  test('an output is the task’s until somebody touches it', async () => {
    await using here = await workspace();
    const { outputs } = placeIn(here);
    const state = stateOf(here);
    state.record(ID, KEY, 1, outputs.find(), NO_LOG);
    here.write({ 'packages/web/dist/a': 'another', 'packages/web/dist/new': '' });
    const made = outputs.find().flatMap((each) => (state.hasMade(ID, each) ? [each.path] : []));
    assert.deepEqual(made, ['dist/b/c', 'dist/empty', 'dist/link']);
  });

  test('what is forgotten is not current', async () => {
    await using here = await workspace();
    const { outputs } = placeIn(here);
    const state = stateOf(here);
    state.record(ID, KEY, 1, outputs.find(), NO_LOG);
    state.save();
    state.forget(ID);
    state.save();
    assert.equal(
      stateOf(here).durationIfCurrent(ID, KEY, () => outputs.find()),
      undefined,
    );
  });

  test('what was not saved is not known to the next run', async () => {
    await using here = await workspace();
    const { outputs } = placeIn(here);
    stateOf(here).record(ID, KEY, 1, outputs.find(), NO_LOG);
    assert.equal(
      stateOf(here).durationIfCurrent(ID, KEY, () => outputs.find()),
      undefined,
    );
  });

  test('a state that is torn is none', async () => {
    await using here = await workspace();
    here.write({ '.velocity/state-v1/outputs.json': '{"version":"outputs-v1","data":{"web#bu' });
    assert.equal(
      stateOf(here).durationIfCurrent(ID, KEY, () => placeIn(here).outputs.find()),
      undefined,
    );
  });
});

describe('logs', () => {
  test('what a task printed is there in the next run', async () => {
    await using here = await workspace();
    const state = stateOf(here);
    state.record(ID, KEY, 1, placeIn(here).outputs.find(), Buffer.from('said\n'));
    state.save();
    assert.equal(stateOf(here).logOf(ID).toString(), 'said\n');
  });

  test('a task that printed nothing has an empty one, whatever it printed before', async () => {
    await using here = await workspace();
    const state = stateOf(here);
    state.record(ID, KEY, 1, placeIn(here).outputs.find(), Buffer.from('before'));
    state.record(ID, KEY, 1, placeIn(here).outputs.find(), NO_LOG);
    assert.equal(state.logOf(ID).length, 0);
  });

  test('one that was lost is empty', async () => {
    await using here = await workspace();
    const state = stateOf(here);
    state.record(ID, KEY, 1, placeIn(here).outputs.find(), Buffer.from('said'));
    here.remove('.velocity/state-v1/logs');
    assert.equal(state.logOf(ID).length, 0);
  });

  test('a run that is killed before it saves leaves the log of what is remembered as it was', async () => {
    await using here = await workspace();
    const { outputs } = placeIn(here);
    const state = stateOf(here);
    state.record(ID, KEY, 1, outputs.find(), Buffer.from('of this key'));
    state.save();
    stateOf(here).record(ID, OTHER_KEY, 2, outputs.find(), Buffer.from('of the other'));
    const next = stateOf(here);
    assert.equal(
      next.durationIfCurrent(ID, KEY, () => outputs.find()),
      1,
    );
    assert.equal(next.logOf(ID).toString(), 'of this key');
  });

  test('outputs whose log was lost are not current: the cache has both', async () => {
    await using here = await workspace();
    const { outputs } = placeIn(here);
    const state = stateOf(here);
    state.record(ID, KEY, 1, outputs.find(), Buffer.from('said'));
    state.save();
    here.remove('.velocity/state-v1/logs');
    assert.equal(
      stateOf(here).durationIfCurrent(ID, KEY, () => outputs.find()),
      undefined,
    );
  });

  test('of a task that is not known there is none', async () => {
    await using here = await workspace();
    assert.equal(stateOf(here).logOf(ID).length, 0);
  });
});

describe('save', () => {
  test('where nothing changed nothing is written', async () => {
    await using here = await workspace();
    stateOf(here).forget(ID);
    assert.equal(stateOf(here).save(), undefined);
    assert.deepEqual(readdirSync(here.root), ['packages']);
  });

  test('logs that no record points at go, and so does what a killed run left half-written', async () => {
    await using here = await workspace();
    const { outputs } = placeIn(here);
    const logs = (): number => readdirSync(here.path('.velocity/state-v1/logs')).length;
    const state = stateOf(here);
    state.record(ID, KEY, 1, outputs.find(), Buffer.from('one'));
    state.record(ID, OTHER_KEY, 1, outputs.find(), Buffer.from('two'));
    state.record(taskId('web', 'test'), KEY, 1, outputs.find(), Buffer.from('three'));
    here.write({ '.velocity/state-v1/logs/half-written.tmp': 'ha' });
    assert.equal(logs(), 4);
    state.save();
    assert.equal(logs(), 2);
    assert.equal(stateOf(here).logOf(ID).toString(), 'two');
    state.forget(ID);
    state.save();
    assert.equal(logs(), 1);
  });

  test('where the records cannot be saved no log goes', async () => {
    await using here = await workspace();
    const { outputs } = placeIn(here);
    const state = stateOf(here);
    state.record(ID, KEY, 1, outputs.find(), Buffer.from('one'));
    state.save();
    here.remove('.velocity/state-v1/outputs.json');
    mkdirSync(here.path('.velocity/state-v1/outputs.json'));
    state.forget(ID);
    assert.ok(state.save() instanceof Error);
    assert.equal(readdirSync(here.path('.velocity/state-v1/logs')).length, 1);
  });

  test('a folder that cannot be written in is told then, and stops no task before', async () => {
    await using here = await workspace();
    mkdirSync(here.path('.velocity'));
    writeFileSync(here.path('.velocity/state-v1'), 'a file in the way');
    const { outputs } = placeIn(here);
    const state = stateOf(here);
    state.record(ID, KEY, 1, outputs.find(), Buffer.from('said'));
    assert.equal(
      state.durationIfCurrent(ID, KEY, () => outputs.find()),
      undefined,
    );
    assert.ok(state.save() instanceof Error);
  });

  test('a log that cannot be kept is told, and its task is run again', async () => {
    await using here = await workspace();
    here.write({ '.velocity/state-v1/logs': 'a file in the way' });
    const { outputs } = placeIn(here);
    const state = stateOf(here);
    state.record(ID, KEY, 1, outputs.find(), Buffer.from('said'));
    assert.ok(state.save() instanceof Error);
    assert.equal(
      stateOf(here).durationIfCurrent(ID, KEY, () => outputs.find()),
      undefined,
    );
  });
});
