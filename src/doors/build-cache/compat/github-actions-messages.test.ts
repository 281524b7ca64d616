import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VelocityError } from '../../../base/errors.ts';
import { toProblem } from '../../../http/problem.ts';
import { readMessage, twirpFailure } from './github-actions-messages.ts';

test('both spellings of a field say the same, and so do a number and its digits', () => {
  const sizes = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(
      fc.string(),
      fc.array(fc.string(), { maxLength: 10 }),
      sizes,
      (key, restoreKeys, sizeBytes) => {
        const read = { key, version: 'v', restoreKeys, sizeBytes };
        assert.deepEqual(readMessage(read), read);
        const snake = { key, version: 'v', restore_keys: restoreKeys, size_bytes: String(sizeBytes) };
        assert.deepEqual(readMessage({ ...snake, metadata: { unknown: true } }), read);
      },
    ),
  );
});

test('what is left out is at its default', () => {
  const nothing = { key: '', version: '', restoreKeys: [], sizeBytes: 0 };
  assert.deepEqual(readMessage({}), nothing);
  assert.deepEqual(readMessage({ key: null, restore_keys: null }), nothing);
});

test('any other JSON is refused, and harms nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (message) => {
      try {
        readMessage(message);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'BAD_REQUEST');
      }
    }),
  );
  for (const message of [
    null,
    7,
    [],
    { key: {} },
    { sizeBytes: '1e3' },
    { sizeBytes: 0.5 },
    { size_bytes: '9'.repeat(16) },
  ])
    assert.throws(() => readMessage(message), { code: 'BAD_REQUEST' });
  readMessage(JSON.parse('{"__proto__":{"key":"x"}}'));
  assert.equal('key' in {}, false);
});

test('a refusal is an error of Twirp; trouble of ours is an answer that says no', () => {
  const told = (code: VelocityError['code']) => {
    const { status, body } = twirpFailure(toProblem(new VelocityError(code, 'why'), 'id'));
    return [status, JSON.parse(body)];
  };
  assert.deepEqual(told('ALREADY_STORED'), [409, { code: 'already_exists', msg: 'why' }]);
  assert.deepEqual(told('UNAUTHORIZED'), [401, { code: 'unauthenticated', msg: 'why' }]);
  assert.deepEqual(told('RATE_LIMITED'), [429, { code: 'resource_exhausted', msg: 'why' }]);
  for (const code of ['STORAGE_UNAVAILABLE', 'STORAGE_FAILED', 'STORAGE_FULL', 'ISSUER_UNAVAILABLE'] as const)
    assert.deepEqual(told(code), [200, { ok: false, message: 'why' }]);
});
