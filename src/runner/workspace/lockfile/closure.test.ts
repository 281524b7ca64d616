import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExternalPackage, lockfileOf, type Resolved } from './closure.ts';

test('a chain of any length is walked without recursion, a circle ends', () => {
  const chain: ExternalPackage[] = [];
  for (let index = 0; index < 50_000; index++) {
    chain.push(external(`p${index}`, '1.0.0', () => [at(chain, (index + 1) % 50_000)]));
  }
  const lockfile = lockfileOf('x.lock', chain, () => chain.slice(0, 1));
  assert.equal(lockfile.closureOf('')?.size, 50_000);
});

test('what a package depends on is resolved once, and only where it is reached', () => {
  const resolved: string[] = [];
  const packages: ExternalPackage[] = ['a', 'b', 'c'].map((name) =>
    external(name, '1.0.0', () => {
      resolved.push(name);
      return name === 'a' ? packages.slice(1, 2) : [];
    }),
  );
  const lockfile = lockfileOf('x.lock', packages, () => packages.slice(0, 1));
  assert.deepEqual(resolved, []);
  lockfile.closureOf('one');
  lockfile.closureOf('other');
  assert.deepEqual(resolved, ['a', 'b']);
});

test('only packages that get one of several versions say which', () => {
  const one = external('z', '1.0.0');
  const two = external('z', '2.0.0');
  const x = external('x', '1.0.0', () => [one]);
  const y = external('y', '1.0.0', () => [two, x]);
  const lockfile = lockfileOf('x.lock', [one, two, x, y], (directory) =>
    directory === 'both' ? [y, two] : [x],
  );
  assert.deepEqual(
    [...(lockfile.closureOf('both')?.keys() ?? [])],
    ['x@1.0.0 > z@1.0.0', 'y@1.0.0 > z@2.0.0', 'z@1.0.0', 'z@2.0.0 (direct)'],
  );
  assert.deepEqual([...(lockfile.closureOf('one')?.keys() ?? [])], ['x@1.0.0', 'z@1.0.0']);
});

test('names of which one begins with the other are not versions of each other', () => {
  const packages = [external('a', '1.0.0'), external('a-b', '1.0.0'), external('a.b', '1.0.0')];
  const lockfile = lockfileOf('x.lock', packages, () => packages);
  assert.deepEqual([...(lockfile.closureOf('')?.keys() ?? [])], ['a-b@1.0.0', 'a.b@1.0.0', 'a@1.0.0']);
});

function external(name: string, version: string, resolve: () => Resolved = () => []): ExternalPackage {
  return new ExternalPackage({ name, id: `${name}@${version}`, integrity: 'sha512-x' }, resolve);
}

function at(packages: readonly ExternalPackage[], index: number): ExternalPackage {
  const found = packages[index];
  assert.ok(found);
  return found;
}
