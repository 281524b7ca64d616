import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLockYaml } from './lock-yaml.ts';

test('what the subset lacks is read all the same, scalars as text', () => {
  const text = 'a: &b 1.0 # c\nd: >-\n  e\n  f\n---\ng: null\n';
  assert.deepEqual(parseLockYaml('pnpm-lock.yaml', text), [{ a: '1.0', d: 'e f' }, { g: 'null' }]);
});

test('what is not YAML is an error that names the file and the line', () => {
  assert.throws(() => parseLockYaml('pnpm-lock.yaml', 'a: b\na: c\n'), {
    code: 'WORKSPACE_INVALID',
    message: /^pnpm-lock.yaml is malformed: Map keys must be unique at line 2/,
  });
});

test('aliases that would grow without bounds are an error', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef']) {
    bomb.push(`${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join(', ')}]`);
  }
  assert.throws(() => parseLockYaml('pnpm-lock.yaml', bomb.join('\n')), { code: 'WORKSPACE_INVALID' });
});
