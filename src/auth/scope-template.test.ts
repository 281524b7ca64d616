import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isScopeName } from './access.ts';
import { fillScope } from './scope-template.ts';

describe('fillScope', () => {
  test('claims are filled in', () => {
    assert.equal(fillScope('pr-${number}', { number: 12 }), 'pr-12');
    assert.equal(fillScope('main', {}), 'main');
  });

  test('a claim that is missing, empty or no text fills nothing', () => {
    for (const claims of [{}, { ref: '' }, { ref: null }, { ref: ['a'] }, { ref: { a: 1 } }])
      assert.equal(fillScope('pr-${ref}', claims), undefined);
    assert.equal(fillScope('pr-${toString}', {}), undefined);
  });

  test('what cannot stand in a scope is replaced, and told apart by its digest', () => {
    const scope = fillScope('pr-${ref}', { ref: 'refs/pull/12/merge' });
    assert.match(scope ?? '', /^pr-refs-pull-12-merge-[0-9a-f]{12}$/);
    assert.notEqual(scope, fillScope('pr-${ref}', { ref: 'refs-pull/12/merge' }));
    assert.notEqual(scope, fillScope('pr-${ref}', { ref: 'refs/PULL/12/merge' }));
  });

  test('a claim cannot be made to give the scope of another one', () => {
    const theirs = fillScope('pr-${ref}', { ref: 'refs/pull/12/merge' }) ?? '';
    assert.notEqual(fillScope('pr-${ref}', { ref: theirs.slice('pr-'.length) }), theirs);
  });

  test('whatever a claim says, the result is a scope, and different texts are different scopes', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (a, b) => {
        const [first, second] = [a, b].map((ref) => fillScope('pr-${ref}', { ref }));
        assert.ok(first !== undefined && isScopeName(first), first);
        assert.equal(first === second, a === b);
      }),
    );
  });

  test('a claim can never make a scope that the template’s own words do not begin', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (ref) => {
        assert.ok(fillScope('pr-${ref}', { ref })?.startsWith('pr-'));
      }),
    );
  });
});
