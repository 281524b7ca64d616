import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FACTS, forgedFile, forgedFolder, forgedLink, KEY, manifestOf } from '../../../test/rig/artifacts.ts';
import { VelocityError } from '../../base/errors.ts';
import { parseManifest } from './manifest.ts';

function refusal(text: string): string {
  try {
    parseManifest(text);
  } catch (error) {
    assert.ok(error instanceof VelocityError, String(error));
    assert.equal(error.code, 'ARTIFACT_DAMAGED');
    return error.message;
  }
  return assert.fail(`it was read: ${text}`);
}

describe('parseManifest', () => {
  test('it reads what was written', () => {
    const members = [forgedFile('dist/a.js'), forgedLink('dist/l', 'a.js'), forgedFolder('dist/empty')];
    const manifest = parseManifest(manifestOf(members, { log: 'hello' }));
    assert.deepEqual(manifest, {
      format: 'velocity-artifact-v1',
      ...FACTS,
      exitCode: 0,
      log: { sizeBytes: 5, truncated: false },
      outputs: members.map(({ record }) => record),
    });
  });

  test('another format is told by name', () => {
    assert.match(
      refusal(manifestOf([], { manifest: { format: 'velocity-artifact-v2' } })),
      /"velocity-artifact-v2"/,
    );
  });

  test('what is not JSON, or not a map, is damage', () => {
    for (const text of ['', '{', 'null', '7', '"text"', '[]']) refusal(text);
  });

  const lies: Readonly<Record<string, object>> = {
    'a key that is none': { key: 'abc' },
    'no task': { task: undefined },
    'no duration': { durationMs: '5' },
    'an exit code of a failure': { exitCode: 1 },
    'no log': { log: null },
    'a log of negative size': { log: { sizeBytes: -1 } },
    'outputs that are no list': { outputs: {} },
    'an output that is nothing': { outputs: [null] },
    'an output of no known kind': { outputs: [{ path: 'a', kind: 'device', mode: 0 }] },
    'an output without a path': { outputs: [{ kind: 'directory', mode: 0 }] },
    'a file without a size': { outputs: [{ path: 'a', kind: 'file', mode: 0, digest: KEY }] },
    'a file of negative size': {
      outputs: [{ path: 'a', kind: 'file', mode: 0, sizeBytes: -1, digest: KEY }],
    },
    'a file of a size beyond numbers': {
      outputs: [{ path: 'a', kind: 'file', mode: 0, sizeBytes: 2 ** 60, digest: KEY }],
    },
    'a file with a digest that is none': {
      outputs: [{ path: 'a', kind: 'file', mode: 0, sizeBytes: 1, digest: 'x' }],
    },
    'a link without a target': { outputs: [{ path: 'a', kind: 'link' }] },
    'a folder without a mode': { outputs: [{ path: 'a', kind: 'directory' }] },
  };
  for (const [lie, manifest] of Object.entries(lies)) {
    test(`${lie} is damage`, () => {
      assert.match(refusal(manifestOf([], { manifest })), /lacks something/);
    });
  }

  test('JSON of any kind is read or refused, never a crash', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        refusal(text);
      }),
    );
  });
});
