import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Package } from '../workspace/package.ts';
import { commandOf, quoteForShell } from './task-command.ts';

function packageWith(scripts: Readonly<Record<string, string>>): Package {
  return {
    name: 'web',
    directory: 'web',
    manifest: {
      file: 'web/package.json',
      name: 'web',
      version: undefined,
      scripts,
      dependencies: [],
      npm: {},
    },
  };
}

const MAKE = { written: 'make', filled: 'make' };

describe('commandOf', () => {
  test('the pipeline’s command is stronger than the package’s script', () => {
    assert.deepEqual(commandOf(packageWith({ build: 'tsc' }), 'build', MAKE, 'npm', []), {
      kind: 'command',
      steps: [{ name: 'build', line: 'make' }],
    });
  });

  test('a command with variables is kept as written beside what the shell gets, arguments on both', () => {
    const text = { written: 'curl ${TOKEN}', filled: 'curl secret' };
    assert.deepEqual(commandOf(packageWith({}), 'build', text, 'npm', ['-v'])?.steps, [
      { name: 'build', line: 'curl ${TOKEN} -v', filled: 'curl secret -v' },
    ]);
  });

  test('a command has no steps before and after it', () => {
    const command = commandOf(packageWith({ prebuild: 'a', postbuild: 'b' }), 'build', MAKE, 'npm', []);
    assert.equal(command?.steps.length, 1);
  });

  test('without a command the script of the task’s name runs', () => {
    assert.deepEqual(commandOf(packageWith({ build: 'tsc' }), 'build', undefined, 'npm', []), {
      kind: 'script',
      steps: [{ name: 'build', line: 'tsc' }],
    });
  });

  test('a package without the script has nothing to run', () => {
    assert.equal(commandOf(packageWith({ prebuild: 'x' }), 'build', undefined, 'npm', []), undefined);
  });

  test('a script that is not there is not found in what all objects have', () => {
    assert.equal(commandOf(packageWith({}), 'constructor', undefined, 'npm', []), undefined);
  });

  test('pre and post scripts run around it, as npm, pnpm and bun do', () => {
    const each = packageWith({ prebuild: 'before', build: 'tsc', postbuild: 'after' });
    for (const manager of ['npm', 'pnpm', 'bun', undefined] as const) {
      assert.deepEqual(commandOf(each, 'build', undefined, manager, [])?.steps, [
        { name: 'prebuild', line: 'before' },
        { name: 'build', line: 'tsc' },
        { name: 'postbuild', line: 'after' },
      ]);
    }
  });

  test('with yarn they do not', () => {
    const each = packageWith({ prebuild: 'before', build: 'tsc' });
    assert.deepEqual(commandOf(each, 'build', undefined, 'yarn', [])?.steps, [
      { name: 'build', line: 'tsc' },
    ]);
  });

  test('extra arguments go to the main step alone', () => {
    const each = packageWith({ pretest: 'before', test: 'jest' });
    assert.deepEqual(
      commandOf(each, 'test', undefined, 'npm', ['--watch=false', 'two words'])?.steps.map(
        ({ line }) => line,
      ),
      ['before', "jest --watch=false 'two words'"],
    );
  });
});

describe('quoteForShell', () => {
  test('what needs no quotes gets none', () => {
    for (const plain of ['--watch=false', 'src/a-b_c.ts', '@scope/x', 'a,b', '1+1', '50%'])
      assert.equal(quoteForShell(plain), plain);
  });

  test('nothing is a word too', () => {
    assert.equal(quoteForShell(''), "''");
  });

  test('a shell reads back exactly the arguments that were written', () => {
    const argument = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom("'", '"', '\\', '$', '`', '\n', ' ', '*', '~', '!', '#', 'a') }),
    );
    fc.assert(
      fc.property(
        fc.array(
          argument.filter((text) => !text.includes('\0')),
          { maxLength: 40 },
        ),
        (written) => {
          const line = `printf '%s\\0' x ${written.map(quoteForShell).join(' ')}`;
          const read = execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' }).split('\0');
          assert.deepEqual(read, ['x', ...written, '']);
        },
      ),
      { numRuns: 50 },
    );
  });
});
