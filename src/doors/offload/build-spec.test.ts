import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type BuildSpec, buildKey, buildMessage, MAX_SPEC_BYTES, parseBuildSpec } from './build-spec.ts';

const HOST = { os: 'linux', arch: 'amd64' };
const MINIMAL = { rr_version: 'v2025.1.2', plugins: [{ module_name: 'example.org/http/v5', tag: 'v5.2.7' }] };

function parse(message: unknown): BuildSpec {
  return parseBuildSpec(Buffer.from(JSON.stringify(message)), HOST);
}

const text = fc.stringMatching(/^[a-z0-9][a-z0-9./@-]{0,20}$/);
const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const messages = fc.record({
  rr_version: text,
  target_platform: fc.record({ os: word, arch: word }),
  plugins: fc.array(fc.record({ module_name: text, tag: text }), { minLength: 1, maxLength: 5 }),
  replaces: fc.array(fc.record({ new: text, old: text }), { maxLength: 4 }),
  excludes: fc.array(fc.record({ module: text, version: text }), { maxLength: 4 }),
  race: fc.boolean(),
  debug: fc.boolean(),
  request_id: fc.uuid(),
  force_rebuild: fc.boolean(),
});

describe('a build request', () => {
  test('is completed with the platform of the host and without extras', () => {
    assert.deepEqual(parse(MINIMAL), {
      rrVersion: 'v2025.1.2',
      platform: HOST,
      plugins: [{ moduleName: 'example.org/http/v5', tag: 'v5.2.7' }],
      replaces: [],
      excludes: [],
      race: false,
      debug: false,
      requestId: undefined,
      forceRebuild: false,
    });
  });

  test('may have its names in camelCase', () => {
    const spec = parse({
      rrVersion: 'master',
      targetPlatform: { os: 'windows', arch: 'arm64' },
      plugins: [{ moduleName: 'm', tag: 't' }],
      requestId: 'r',
      forceRebuild: true,
    });
    assert.deepEqual(spec.platform, { os: 'windows', arch: 'arm64' });
    assert.deepEqual([spec.rrVersion, spec.requestId, spec.forceRebuild], ['master', 'r', true]);
  });

  test('reads as itself what it is sent on as', () => {
    fc.assert(
      fc.property(messages, (message) => {
        assert.deepEqual(buildMessage(parse(message)), JSON.parse(JSON.stringify(message)));
      }),
    );
  });

  const refused: Record<string, [field: string, message: unknown]> = {
    'is no object': ['body', []],
    'has no version': ['rr_version', { plugins: MINIMAL.plugins }],
    'has a version that would be an option': ['rr_version', { ...MINIMAL, rr_version: '-toolexec=x' }],
    'names no plugin': ['plugins', { ...MINIMAL, plugins: [] }],
    'has a plugin without a tag': ['plugins.0.tag', { ...MINIMAL, plugins: [{ module_name: 'm' }] }],
    'has an odd platform': ['target_platform.os', { ...MINIMAL, target_platform: { os: '../x' } }],
    'has a field that is not known': ['racy', { ...MINIMAL, racy: true }],
    'says a field twice': ['rrVersion', { ...MINIMAL, rrVersion: 'v1.0.0' }],
    'has a flag that is none': ['race', { ...MINIMAL, race: 'yes' }],
    'has too many plugins': ['plugins', { ...MINIMAL, plugins: Array(1025).fill(MINIMAL.plugins[0]) }],
  };
  for (const [what, [field, message]] of Object.entries(refused))
    test(`that ${what} is refused with the field`, () => {
      assert.throws(() => parse(message), { code: 'BAD_REQUEST', field });
    });

  test('that is no JSON, no UTF-8 or too large is refused, whatever its bytes', () => {
    assert.throws(() => parseBuildSpec(Buffer.from('{')), { code: 'BAD_REQUEST', field: 'body' });
    assert.throws(() => parseBuildSpec(Buffer.from([0x22, 0xff, 0x22])), { code: 'BAD_REQUEST' });
    assert.throws(() => parseBuildSpec(Buffer.alloc(MAX_SPEC_BYTES + 1, ' ')), { code: 'BAD_REQUEST' });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from)), (bytes) => {
        try {
          parseBuildSpec(bytes);
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'BAD_REQUEST');
        }
      }),
    );
  });
});

describe('the key of a build', () => {
  test('does not depend on the order of fields and lists, nor on who asks, nor on force_rebuild', () => {
    fc.assert(
      fc.property(messages, fc.uuid(), fc.boolean(), (message, request_id, force_rebuild) => {
        const turned = Object.fromEntries(
          Object.entries({ ...message, request_id, force_rebuild })
            .map(([name, value]) => [name, Array.isArray(value) ? [...value].reverse() : value])
            .reverse(),
        );
        assert.equal(buildKey(parse(turned)), buildKey(parse(message)));
      }),
    );
  });

  const changes: Record<string, (spec: BuildSpec) => BuildSpec> = {
    'the version': (spec) => ({ ...spec, rrVersion: `${spec.rrVersion}x` }),
    'the system': (spec) => ({ ...spec, platform: { ...spec.platform, os: `${spec.platform.os}x` } }),
    'the processor': (spec) => ({ ...spec, platform: { ...spec.platform, arch: `${spec.platform.arch}x` } }),
    'one more plugin': (spec) => ({ ...spec, plugins: [...spec.plugins, { moduleName: 'm', tag: 't' }] }),
    'a plugin’s tag': (spec) => ({
      ...spec,
      plugins: spec.plugins.map((one, i) => (i === 0 ? { ...one, tag: `${one.tag}x` } : one)),
    }),
    'one more replacement': (spec) => ({ ...spec, replaces: [...spec.replaces, { new: 'a', old: 'b' }] }),
    'one more exclusion': (spec) => ({
      ...spec,
      excludes: [...spec.excludes, { module: 'a', version: 'b' }],
    }),
    race: (spec) => ({ ...spec, race: !spec.race }),
    debug: (spec) => ({ ...spec, debug: !spec.debug }),
  };
  for (const [what, change] of Object.entries(changes))
    test(`is another one with another value of: ${what}`, () => {
      fc.assert(
        fc.property(messages, (message) => {
          const spec = parse(message);
          assert.notEqual(buildKey(change(spec)), buildKey(spec));
        }),
      );
    });

  test('tells a replacement from its reverse, and from an exclusion', () => {
    const ab = parse({ ...MINIMAL, replaces: [{ new: 'a', old: 'b' }] });
    const ba = parse({ ...MINIMAL, replaces: [{ new: 'b', old: 'a' }] });
    const excluded = parse({ ...MINIMAL, excludes: [{ module: 'b', version: 'a' }] });
    assert.equal(new Set([ab, ba, excluded].map(buildKey)).size, 3);
  });
});
