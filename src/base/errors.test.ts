import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOrName, ERRORS, type ErrorCode, messageOf, systemCode, VelocityError } from './errors.ts';

test('an error carries its code, the status of its code, the field at fault and its cause', () => {
  const cause = new Error('below');
  const error = new VelocityError('BODY_TOO_LARGE', 'Too much.', { cause, field: 'body' });
  assert.deepEqual(
    { name: error.name, code: error.code, status: error.status, field: error.field, cause: error.cause },
    { name: 'VelocityError', code: 'BODY_TOO_LARGE', status: 413, field: 'body', cause },
  );
  assert.equal(String(error), 'VelocityError: Too much.');
});

test('each code has the status of a failure and a summary that is one sentence', () => {
  for (const [code, { status, summary }] of Object.entries(ERRORS)) {
    assert.ok(status >= 400 && status <= 599, code);
    assert.match(summary, /^[A-Z][^\n]*\.$/, code);
    assert.equal(new VelocityError(code as ErrorCode, '').status, status);
  }
});

test('at fault is the call or the configuration, or what happened: the code says which', () => {
  for (const code of [
    'USAGE',
    'DRIVER_UNAVAILABLE',
    'WORKSPACE_INVALID',
    'TASK_UNKNOWN',
    'TASK_CYCLE',
  ] as const)
    assert.equal(new VelocityError(code, '').isMisuse, true, code);
  for (const code of ['LISTEN_FAILED', 'STORAGE_UNAVAILABLE', 'INTERNAL'] as const)
    assert.equal(new VelocityError(code, '').isMisuse, false, code);
});

test('a system code is the text under "code" of whatever was thrown', () => {
  assert.equal(systemCode(Object.assign(new Error(), { code: 'ENOENT' })), 'ENOENT');
  for (const thrown of [undefined, null, 'ENOENT', new Error(), { code: 5 }]) {
    assert.equal(systemCode(thrown), undefined);
  }
});

test('anything that was thrown has a word that quotes none of its message', () => {
  assert.equal(codeOrName(Object.assign(new Error('open /srv'), { code: 'ENOENT' })), 'ENOENT');
  assert.equal(codeOrName(new TypeError('bad header')), 'TypeError');
  assert.equal(codeOrName('text'), 'string');
});

test('anything that was thrown has a message', () => {
  assert.equal(messageOf(new Error('broken')), 'broken');
  assert.equal(messageOf('text'), 'text');
  assert.equal(messageOf(undefined), 'undefined');
});
