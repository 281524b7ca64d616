import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DeclaredDependency, Package } from './package.ts';
import { PackageGraph } from './package-graph.ts';

function packageOf(
  name: string,
  dependencies: readonly DeclaredDependency[] = [],
  file = 'package.json',
): Package {
  const directory = `packages/${name}`;
  return {
    name,
    directory,
    manifest: {
      file: `${directory}/${file}`,
      name,
      version: undefined,
      scripts: {},
      dependencies,
      npm: undefined,
    },
  };
}

/** `{ app: ['lib'] }` as a graph. */
function graphOf(edges: Readonly<Record<string, readonly string[]>>): PackageGraph {
  return new PackageGraph(
    Object.entries(edges).map(([name, others]) =>
      packageOf(
        name,
        others.map((other) => ({ name: other })),
      ),
    ),
  );
}

function named(graph: PackageGraph, name: string): Package {
  const found = graph.get(name);
  assert.ok(found);
  return found;
}

function namesOf(packages: Iterable<Package>): string[] {
  return [...packages].map(({ name }) => name).sort();
}

describe('PackageGraph', () => {
  test('a dependency by name that no package has is external', () => {
    const graph = graphOf({ app: ['lib', 'lodash'], lib: [] });
    assert.deepEqual(namesOf(graph.dependenciesOf(named(graph, 'app'))), ['lib']);
  });

  test('a dependency by folder is the package there', () => {
    const graph = new PackageGraph([
      packageOf('app', [{ directory: 'packages/lib' }, { directory: 'packages/none' }]),
      packageOf('lib'),
    ]);
    assert.deepEqual(namesOf(graph.dependenciesOf(named(graph, 'app'))), ['lib']);
  });

  test('what is declared twice, by name and by folder, is one dependency', () => {
    const graph = new PackageGraph([
      packageOf('app', [{ name: 'lib' }, { directory: 'packages/lib' }]),
      packageOf('lib'),
    ]);
    assert.equal(graph.dependenciesOf(named(graph, 'app')).length, 1);
  });

  test('a package does not depend on itself', () => {
    const graph = graphOf({ app: ['app'] });
    assert.deepEqual(graph.dependenciesOf(named(graph, 'app')), []);
  });

  test('dependencies come in the order of their names', () => {
    const graph = graphOf({ app: ['z', 'a', 'm'], z: [], m: [], a: [] });
    assert.deepEqual(
      graph.dependenciesOf(named(graph, 'app')).map(({ name }) => name),
      ['a', 'm', 'z'],
    );
  });

  test('Python names are the same whatever their case and separators', () => {
    const graph = new PackageGraph([
      packageOf('app', [{ name: 'Shop_Lib' }], 'pyproject.toml'),
      packageOf('shop-lib', [], 'pyproject.toml'),
    ]);
    assert.deepEqual(namesOf(graph.dependenciesOf(named(graph, 'app'))), ['shop-lib']);
  });

  test('names of other languages must be the same to the letter', () => {
    const graph = graphOf({ app: ['Shop_Lib'], 'shop-lib': [] });
    assert.deepEqual(graph.dependenciesOf(named(graph, 'app')), []);
  });

  test('all that a package needs is found, and itself', () => {
    const graph = graphOf({ app: ['ui', 'api'], ui: ['core'], api: ['core'], core: [], other: [] });
    assert.deepEqual(namesOf(graph.withDependencies(named(graph, 'app'))), ['api', 'app', 'core', 'ui']);
  });

  test('all that need a package are found, and itself', () => {
    const graph = graphOf({ app: ['ui'], ui: ['core'], core: [], other: [] });
    assert.deepEqual(namesOf(graph.withDependents(named(graph, 'core'))), ['app', 'core', 'ui']);
  });

  test('packages in a circle reach each other, and the search ends', () => {
    const graph = graphOf({ a: ['b'], b: ['c'], c: ['a'] });
    assert.deepEqual(namesOf(graph.withDependencies(named(graph, 'a'))), ['a', 'b', 'c']);
  });

  test('one is among another’s dependencies exactly where the other is among its dependents', () => {
    const edges = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.array(fc.constantFrom('a', 'b', 'c', 'd')),
    );
    fc.assert(
      fc.property(edges, (each) => {
        const graph = graphOf(each);
        for (const one of graph.packages)
          for (const other of graph.packages)
            assert.equal(graph.withDependencies(one).has(other), graph.withDependents(other).has(one));
      }),
    );
  });
});
