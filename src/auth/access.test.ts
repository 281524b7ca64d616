import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everything, PRESETS, presetTerms } from './access.ts';

test('a pull request reads what main wrote before what it wrote itself, and never writes main', () => {
  for (const scope of [undefined, 'pr-7']) {
    const { writeScope, readScopes, rights } = presetTerms('pull-request', scope);
    assert.equal(writeScope, scope ?? 'pull-request');
    assert.deepEqual(readScopes, ['main', scope ?? 'pull-request']);
    assert.deepEqual([...rights], ['cache']);
  }
});

test('main and admin read exactly the scope they write', () => {
  for (const preset of ['main', 'admin'] as const) {
    assert.deepEqual(presetTerms(preset).readScopes, ['main']);
    assert.equal(presetTerms(preset).writeScope, 'main');
    assert.deepEqual(presetTerms(preset, 'release').readScopes, ['release']);
    assert.equal(presetTerms(preset, 'release').writeScope, 'release');
  }
});

test('a developer writes nothing', () => {
  assert.equal(presetTerms('developer').writeScope, undefined);
  assert.equal(presetTerms('developer', 'release').writeScope, undefined);
  assert.deepEqual(presetTerms('developer').readScopes, ['main']);
});

test('of the presets admin alone has the right of that name', () => {
  const admins = PRESETS.filter((preset) => presetTerms(preset).rights.has('admin'));
  assert.deepEqual(admins, ['admin']);
});

test('the simple token means everything in the default tenant', () => {
  const { tenant, writeScope, readScopes, rights, expiresAt } = everything('x');
  assert.deepEqual([tenant, writeScope, readScopes, expiresAt], ['default', 'main', ['main'], undefined]);
  assert.deepEqual([...rights].sort(), ['admin', 'builds', 'cache', 'files', 'objects']);
});
