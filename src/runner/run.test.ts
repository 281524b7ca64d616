/** What `velocity run` cannot be brought to do from outside; the rest is in `test/e2e/run.test.ts`. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { TempWorkspace } from '../../test/rig/temp-workspace.ts';
import type { RunEvent } from './events.ts';
import { type RunOptions, run } from './run.ts';

function optionsFor(root: string, onEvent: (event: RunEvent) => void): RunOptions {
  return {
    root,
    env: { PATH: process.env['PATH'] },
    tasks: ['build'],
    filters: [],
    extraArguments: [],
    concurrency: 4,
    continueAfterFailure: 'never',
    force: false,
    access: { local: { read: true, write: true }, remote: { read: true, write: true } },
    remoteAsked: false,
    overrides: {},
    version: 'test',
    signal: new AbortController().signal,
    onEvent,
  };
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

describe('an error nobody expected, thrown in a task’s turn', () => {
  test('is thrown by the run after it ended the other tasks and kept what was done before', async () => {
    const script = (build: string, dependencies = {}) => ({
      scripts: { build },
      dependencies,
      version: '1.0.0',
    });
    await using workspace = await TempWorkspace.open({
      'velocity.yml': 'version: 1\npipeline:\n  build: { depends_on: ["^build"], outputs: ["dist/**"] }\n',
      'package.json': { name: 'root', private: true, workspaces: ['p/*'] },
      '.gitignore': 'dist\n.velocity\n',
      'p/runs/package.json': { name: 'runs', ...script('sleep 1000 & echo $! > ../../.velocity/pid; wait') },
      'p/done/package.json': {
        name: 'done',
        ...script('until [ -s ../../.velocity/pid ]; do sleep 0.01; done; mkdir dist; echo x > dist/x'),
      },
      'p/broken/package.json': { name: 'broken', ...script('true', { done: '*' }) },
    });
    const ended: string[] = [];
    const running = run(
      optionsFor(workspace.root, (event) => {
        if (event.type === 'task-begin' && event.task.id === 'broken#build') throw new Error('a bug');
        if (event.type === 'task-end') ended.push(`${event.task.id} ${event.outcome.status}`);
      }),
    );
    await assert.rejects(running, /a bug/);
    assert.deepEqual(ended, ['done#build executed', 'runs#build interrupted']);
    assert.equal(isAlive(Number(workspace.read('.velocity/pid'))), false);
    const state = workspace.read('.velocity/state-v1/outputs.json');
    assert.match(state, /done#build/);
    assert.ok(existsSync(workspace.path('.velocity/state-v1/files.json')));
  });
});
