import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isScopeName } from '../base/scope-name.ts';
import { MAIN_SCOPE } from './access.ts';
import { fillScope } from './scope-template.ts';

describe('fillScope', () => {
  test('claims are filled in', () => {
    assert.equal(fillScope('pr-{number}', { number: '12' }), 'pr-12');
    assert.match(
      fillScope('pr-{repo}-{number}', { number: '12', repo: '7' }) ?? '',
      /^pr-7-12-[0-9a-f]{12}$/,
    );
    assert.equal(fillScope('main', {}), 'main');
  });

  test('a claim that is missing or empty fills nothing', () => {
    for (const claims of [{}, { ref: '' }]) assert.equal(fillScope('pr-{ref}', claims), undefined);
    assert.equal(fillScope('pr-{toString}', {}), undefined);
  });

  test('what cannot stand in a scope is replaced, and told apart by its digest', () => {
    const scope = fillScope('pr-{ref}', { ref: 'refs/pull/12/merge' });
    assert.match(scope ?? '', /^pr-refs-pull-12-merge-[0-9a-f]{12}$/);
    assert.notEqual(scope, fillScope('pr-{ref}', { ref: 'refs-pull/12/merge' }));
    assert.notEqual(scope, fillScope('pr-{ref}', { ref: 'refs/PULL/12/merge' }));
  });

  test('a claim cannot be made to give the scope of another one', () => {
    const theirs = fillScope('pr-{ref}', { ref: 'refs/pull/12/merge' }) ?? '';
    assert.notEqual(fillScope('pr-{ref}', { ref: theirs.slice('pr-'.length) }), theirs);
  });

  test('two claims whose texts run together are told from two others', () => {
    const scope = (repo: string, ref: string) => fillScope('pr-{repo}-{ref}', { repo, ref });
    assert.notEqual(scope('a-b', 'c'), scope('a', 'b-c'));
  });

  test('no claim makes the scope that trusted builds write, however the template begins', () => {
    for (const [template, ref] of [
      ['m{ref}', 'ain'],
      ['{ref}', 'main'],
      ['main{ref}', ''],
    ] as const)
      assert.notEqual(fillScope(template, { ref }), MAIN_SCOPE);
  });

  test('whatever a claim says, the result is a scope, and different texts are different scopes', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (a, b) => {
        const [first, second] = [a, b].map((ref) => fillScope('pr-{ref}', { ref }));
        assert.ok(first !== undefined && isScopeName(first), first);
        assert.equal(first === second, a === b);
      }),
    );
    assert.ok(
      isScopeName(fillScope('pr-{ref}', { ref: '{ref}' }) ?? ''),
      'a claim that looks like a template',
    );
  });

  test('a claim can never make a scope that the template’s own words do not begin', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (ref) => {
        assert.ok(fillScope('pr-{ref}', { ref })?.startsWith('pr-'));
      }),
    );
  });
});
