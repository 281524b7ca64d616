import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, test } from 'node:test';
import { VelocityError } from '../../base/errors.ts';
import { parseConcurrency } from './run.ts';

describe('parseConcurrency', () => {
  test('all processors work where nothing is said', () => {
    assert.equal(parseConcurrency(undefined), availableParallelism());
    assert.equal(parseConcurrency(''), availableParallelism());
  });

  test('a number is that many', () => {
    assert.deepEqual(['1', '4', '500'].map(parseConcurrency), [1, 4, 500]);
  });

  test('a percentage is that part of the processors, rounded down', () => {
    const processors = availableParallelism();
    assert.equal(parseConcurrency('100%'), processors);
    assert.equal(parseConcurrency('200%'), 2 * processors);
    assert.equal(parseConcurrency('150%'), Math.floor(1.5 * processors));
  });

  test('it is never less than one', () => {
    assert.equal(parseConcurrency('1%'), 1);
  });

  test('what is neither is refused and quoted', () => {
    for (const text of ['0', '0%', '-1', '1.5', 'all', '4 ', '50 %', '1e3', '999999', '%']) {
      assert.throws(
        () => parseConcurrency(text),
        (error: unknown) => {
          assert.ok(error instanceof VelocityError);
          assert.equal(error.code, 'USAGE');
          assert.ok(error.message.endsWith(`found "${text}".`));
          return true;
        },
      );
    }
  });
});
