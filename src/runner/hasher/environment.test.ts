import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { declaredVariables, veil } from './environment.ts';

describe('declaredVariables', () => {
  test('what is declared counts, in the order of names, set or not', () => {
    assert.deepEqual(declaredVariables(['B', 'A', 'C'], { A: '1', C: '', D: '4' }), [
      ['A', '1'],
      ['B', null],
      ['C', ''],
    ]);
  });

  test('a star takes all set variables that begin so', () => {
    assert.deepEqual(declaredVariables(['VITE_*'], { VITE_B: '2', VITE_A: '1', VITE: 'x', XVITE_: 'y' }), [
      ['VITE_A', '1'],
      ['VITE_B', '2'],
    ]);
  });

  test('what is declared twice counts once', () => {
    assert.deepEqual(declaredVariables(['A', 'A*', 'A'], { A: '1' }), [['A', '1']]);
  });

  test('the order of declaration changes nothing', () => {
    const names = fc.array(fc.constantFrom('A', 'AB', 'B', 'A*', 'C*'));
    fc.assert(
      fc.property(names, (declared) => {
        const env = { A: '1', AB: '2', CD: '3' };
        assert.deepEqual(declaredVariables(declared.toReversed(), env), declaredVariables(declared, env));
      }),
    );
  });
});

describe('veil', () => {
  test('two values have two veils, and a value always the same', () => {
    assert.equal(veil('one'), veil('one'));
    assert.notEqual(veil('one'), veil('two'));
  });

  test('a veil shows nothing of its value', () => {
    assert.match(veil('secret') ?? '', /^[0-9a-f]{12}$/);
  });

  test('what is not set is told apart from what is empty', () => {
    assert.equal(veil(null), null);
    assert.notEqual(veil(''), null);
  });
});
