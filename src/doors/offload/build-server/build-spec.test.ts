import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { VelocityError } from '../../../base/errors.ts';
import { hostPlatform } from '../platform.ts';
import { isMoving, parseBuildRequest, specJson } from './build-spec.ts';

const PLUGIN = { module_name: 'github.com/acme/kv', tag: 'v1.2.3' };
const WHOLE = {
  request_id: '2f0c1a3e-1111-4222-8333-944455556666',
  rr_version: 'v2024.1.0',
  force_rebuild: true,
  target_platform: { os: 'linux', arch: 'arm64' },
  plugins: [PLUGIN, { module_name: 'github.com/acme/http/v5', tag: 'master' }],
  replaces: [{ old: 'github.com/a/b', new: 'github.com/c/d@v1.0.0' }],
  excludes: [{ module: 'github.com/a/b', version: 'v1.0.0' }],
  race: true,
  debug: true,
};

function refusal(message: unknown): string {
  try {
    parseBuildRequest(message);
  } catch (error) {
    assert.ok(error instanceof VelocityError);
    assert.equal(error.code, 'BAD_REQUEST');
    return error.message;
  }
  assert.fail('it was taken');
}

describe('a build request', () => {
  test('a version is enough; the platform is then the host’s', () => {
    const { spec, forceRebuild, requestId } = parseBuildRequest({ rr_version: 'master' });
    assert.deepEqual({ os: spec.os, arch: spec.arch }, hostPlatform());
    assert.deepEqual([spec.plugins, spec.race, forceRebuild, requestId], [[], false, false, undefined]);
  });

  test('a part of the platform that is left out, or empty, is the host’s', () => {
    const { spec } = parseBuildRequest({ rr_version: 'v1.0.0', target_platform: { os: 'plan9', arch: '' } });
    assert.deepEqual([spec.os, spec.arch], ['plan9', hostPlatform().arch]);
  });

  test('snake_case and camelCase say the same, and null says nothing', () => {
    const camel = {
      rrVersion: WHOLE.rr_version,
      targetPlatform: WHOLE.target_platform,
      plugins: WHOLE.plugins.map((each) => ({ moduleName: each.module_name, tag: each.tag })),
      replaces: WHOLE.replaces,
      excludes: WHOLE.excludes,
      race: true,
      debug: true,
      requestId: null,
    };
    assert.equal(parseBuildRequest(camel).key, parseBuildRequest(WHOLE).key);
  });

  test('the key has nothing of request_id, force_rebuild and the order of lists', () => {
    const { request_id, force_rebuild, ...rest } = WHOLE;
    const other = { ...rest, plugins: WHOLE.plugins.toReversed() };
    assert.equal(parseBuildRequest(other).key, parseBuildRequest(WHOLE).key);
  });

  const different: Readonly<Record<string, object>> = {
    rr_version: { rr_version: 'v2024.1.1' },
    os: { target_platform: { os: 'darwin', arch: 'arm64' } },
    arch: { target_platform: { os: 'linux', arch: 'amd64' } },
    plugins: { plugins: [PLUGIN] },
    'a plugin’s tag': { plugins: [{ ...PLUGIN, tag: 'v1.2.4' }, WHOLE.plugins[1]] },
    replaces: { replaces: [] },
    excludes: { excludes: [] },
    race: { race: false },
    debug: { debug: false },
  };
  for (const [part, change] of Object.entries(different))
    test(`another ${part} is another key`, () => {
      assert.notEqual(parseBuildRequest({ ...WHOLE, ...change }).key, parseBuildRequest(WHOLE).key);
    });

  test('the spec as JSON is a request for the same key', () => {
    const { spec, key } = parseBuildRequest(WHOLE);
    assert.equal(parseBuildRequest(JSON.parse(specJson(spec))).key, key);
  });

  const plugin = (module_name: string, tag = 'v1'): object => ({ plugins: [{ module_name, tag }] });
  const refused: readonly [unknown, RegExp][] = [
    [{}, /^rr_version: is missing/],
    [undefined, /^body: /],
    [[], /^body: /],
    [{ rr_version: '-v1.0.0' }, /^rr_version: expected a version/],
    [{ rr_version: 'v1.0.0 ' }, /^rr_version/],
    [{ rr_version: 'v1.0.0\n' }, /^rr_version/],
    [{ rr_version: 'v1.0.0', rrVersion: 'v1.0.1' }, /^rr_version: is given twice/],
    [{ rr_version: 'v1.0.0', cgo: true }, /cgo/],
    [{ rr_version: 'v1.0.0', request_id: 'x' }, /^request_id: expected a UUID/],
    [{ rr_version: 'v1.0.0', target_platform: { os: '../x' } }, /^target_platform.os: expected/],
    [{ rr_version: 'v1.0.0', ...plugin('-o') }, /^plugins.0.module_name/],
    [{ rr_version: 'v1.0.0', ...plugin('/etc/passwd') }, /^plugins.0.module_name/],
    [{ rr_version: 'v1.0.0', ...plugin('a/../../b') }, /^plugins.0.module_name/],
    [{ rr_version: 'v1.0.0', ...plugin('a//b') }, /^plugins.0.module_name/],
    [{ rr_version: 'v1.0.0', ...plugin('a b') }, /^plugins.0.module_name/],
    [{ rr_version: 'v1.0.0', ...plugin('a', '../x') }, /^plugins.0.tag/],
    [{ rr_version: 'v1.0.0', ...plugin('a', '--x') }, /^plugins.0.tag/],
    [{ rr_version: 'v1.0.0', plugins: [PLUGIN, { ...PLUGIN, tag: 'v2' }] }, /^plugins: .*given twice/],
    [{ rr_version: 'v1.0.0', replaces: [{ old: 'a', new: '../local' }] }, /^replaces.0.new/],
    [
      { rr_version: 'v1.0.0', plugins: Array.from({ length: 257 }, () => PLUGIN) },
      /^plugins: expected at most/,
    ],
    [{ rr_version: 'v1.0.0', a: { b: { c: { d: { e: 1 } } } } }, /nested too deeply/],
  ];
  for (const [message, words] of refused)
    test(`${JSON.stringify(message)?.slice(0, 80)} is refused`, () => assert.match(refusal(message), words));

  test('nothing that is taken can be an option, an absolute path or one that leads up', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9@./_~+-]{1,12}$/));
    fc.assert(
      fc.property(text, text, text, (rr_version, module_name, tag) => {
        try {
          parseBuildRequest({ rr_version, plugins: [{ module_name, tag }] });
        } catch {
          return;
        }
        for (const value of [rr_version, module_name, tag]) {
          assert.match(value, /^[A-Za-z0-9][A-Za-z0-9._~/+-]*$/);
          assert.ok(!value.split('/').includes('..'));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('a branch moves, versions and commits do not', () => {
    const moving = (given: object): boolean =>
      isMoving(parseBuildRequest({ rr_version: 'v1.0.0', ...given }).spec);
    assert.deepEqual(
      [
        {},
        { rr_version: 'master' },
        { rr_version: '0123abc' },
        plugin('a', 'v1.0.0'),
        plugin('a', 'main'),
      ].map(moving),
      [false, true, false, false, true],
    );
  });
});
