import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VelocityError } from '../../base/errors.ts';
import { PackageGraph } from '../workspace/package-graph.ts';
import { filterPackages } from './filter-packages.ts';

/** web → ui → core, api → core; docs stands alone. */
const GRAPH = new PackageGraph(
  [
    { directory: '', name: 'shop', needs: [] },
    { directory: 'apps/api', name: '@shop/api', needs: ['core'] },
    { directory: 'apps/web', name: '@shop/web', needs: ['ui'] },
    { directory: 'docs', name: 'docs', needs: [] },
    { directory: 'libs/core', name: 'core', needs: [] },
    { directory: 'libs/ui', name: 'ui', needs: ['core'] },
  ].map(({ directory, name, needs }) => ({
    name,
    directory,
    manifest: {
      file: undefined,
      name,
      version: undefined,
      scripts: {},
      dependencies: needs.map((other) => ({ name: other })),
      npm: undefined,
    },
  })),
);

function filtered(...filters: readonly string[]): string[] {
  return filterPackages(GRAPH, filters).map(({ name }) => name);
}

function refusalOf(filter: string): string {
  try {
    filterPackages(GRAPH, [filter]);
  } catch (error) {
    assert.ok(error instanceof VelocityError);
    assert.equal(error.code, 'USAGE');
    return error.message;
  }
  return assert.fail(`${filter} was taken`);
}

describe('filterPackages', () => {
  test('no filter leaves all', () => {
    assert.equal(filtered().length, 6);
  });

  test('a name means that package', () => {
    assert.deepEqual(filtered('@shop/web'), ['@shop/web']);
  });

  test('a glob of names means all that match', () => {
    assert.deepEqual(filtered('@shop/*'), ['@shop/api', '@shop/web']);
  });

  test('a folder means the package in it, with a dot before it or not, with a slash behind it or not', () => {
    for (const filter of ['./apps/web', 'apps/web', './apps/web/', './apps/../apps/web'])
      assert.deepEqual(filtered(filter), ['@shop/web'], filter);
  });

  test('a glob of folders means all that match', () => {
    assert.deepEqual(filtered('./libs/*'), ['core', 'ui']);
  });

  test('a dot means the root', () => {
    for (const filter of ['.', './']) assert.deepEqual(filtered(filter), ['shop'], filter);
  });

  test('dots behind take in what it needs', () => {
    assert.deepEqual(filtered('@shop/web...'), ['@shop/web', 'core', 'ui']);
  });

  test('dots before take in what needs it', () => {
    assert.deepEqual(filtered('...ui'), ['@shop/web', 'ui']);
  });

  test('dots on both sides take in both', () => {
    assert.deepEqual(filtered('...ui...'), ['@shop/web', 'core', 'ui']);
  });

  test('dots go with folders too', () => {
    for (const filter of ['..../libs/core', '...libs/core'])
      assert.deepEqual(filtered(filter), ['@shop/api', '@shop/web', 'core', 'ui'], filter);
    assert.deepEqual(filtered('./apps/api...'), ['@shop/api', 'core']);
  });

  test('several filters add up, in the workspace’s order', () => {
    assert.deepEqual(filtered('docs', '@shop/api'), ['@shop/api', 'docs']);
  });

  test('a negation takes out of all, or of what others take in', () => {
    assert.deepEqual(filtered('!./libs/*', '!shop'), ['@shop/api', '@shop/web', 'docs']);
    assert.deepEqual(filtered('@shop/web...', '!core'), ['@shop/web', 'ui']);
  });

  test('a negation takes out wherever it stands', () => {
    assert.deepEqual(filtered('!core', '@shop/web...'), ['@shop/web', 'ui']);
  });

  test('a name that no package has is refused, with the one that was meant', () => {
    assert.equal(
      refusalOf('dosc'),
      '--filter dosc means no package of this workspace (did you mean "docs"?).',
    );
  });

  test('a folder without a package is refused', () => {
    assert.equal(refusalOf('./apps'), '--filter ./apps means no package of this workspace.');
  });

  test('a negation that means nothing is refused too', () => {
    assert.match(refusalOf('!nothing-like-it'), /^--filter nothing-like-it means no package/);
  });

  test('a filter without a name is refused', () => {
    for (const filter of ['', '!', '...', '......']) assert.match(refusalOf(filter), /means no package/);
  });
});
