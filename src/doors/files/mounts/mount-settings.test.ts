import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeMistake } from '../../../config/mistake.ts';
import { resolveNamed } from '../../../config/resolve-named.ts';
import { parseYaml } from '../../../config/yaml-file.ts';
import { mountSettings, readMountSettings } from './mount-settings.ts';

function read(mounts: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const parsed = parseYaml('a.yml', `files:\n  mounts:\n    ${mounts.join('\n    ')}\n`, {});
  assert.ok(parsed.ok);
  const given = resolveNamed(mountSettings, { flags: new Map(), env, files: [parsed.value] });
  return given.ok ? readMountSettings(given.value, ['media', 'other']) : given;
}

function mistakesOf(...mounts: readonly string[]): string[] {
  const checked = read(mounts);
  return checked.ok ? [] : checked.mistakes.map(describeMistake);
}

test('a mount has a path, a store and, where it is not all of it, a prefix in that', () => {
  const checked = read(['ci: { path: /ci/cache/, store: media, prefix: a/b }'], {
    VC_FILES_MOUNTS__all__PATH: 'all',
    VC__files__mounts__all__store: 'other',
  });
  assert.deepEqual(checked.ok && checked.value, [
    { name: 'ci', path: 'ci/cache', store: 'media', prefix: 'a/b/' },
    { name: 'all', path: 'all', store: 'other', prefix: '' },
  ]);
});

test('what cannot be is a mistake where it stands', () => {
  assert.deepEqual(mistakesOf('a: { path: x, store: medai }', 'b: { path: ../x, store: media }'), [
    'a.yml:3:26: files.mounts.a.store: there is no store "medai" (did you mean "media"?)',
    'a.yml:4:16: files.mounts.b.path: The path has a segment "..".',
  ]);
  assert.deepEqual(mistakesOf('a: { path: /, store: media }', 'b: { path: x, store: media, prefix: // }'), [
    'a.yml:3:16: files.mounts.a.path: The root cannot be a mount; name a folder below it.',
    'a.yml:4:41: files.mounts.b.prefix: The prefix cannot be used: it has an empty segment (a leading, trailing or double slash).',
  ]);
  assert.deepEqual(mistakesOf('a: { path: x, store: media }', 'b: { path: x/, store: other }'), [
    'a.yml:4:16: files.mounts.b.path: a is at x already',
  ]);
});

test('a mount without a path or store is none', () => {
  assert.deepEqual(mistakesOf('a: { store: media }', 'b:', 'c: { path: x, stoer: media, store: media }'), [
    'a.yml:3:5: files.mounts.a: path is missing: name the folder that this mount is',
    'a.yml:4:5: files.mounts.b: path is missing: name the folder that this mount is',
    'a.yml:4:5: files.mounts.b: store is missing: name one of `stores`',
    'a.yml:5:19: unknown key "files.mounts.c.stoer" (did you mean "store"?)',
  ]);
});
