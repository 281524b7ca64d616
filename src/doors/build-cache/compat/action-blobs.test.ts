import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { digestMessage, message } from '../../../../test/rig/protobuf.ts';
import { digestOf } from '../../../base/digest.ts';
import { blobsOfAction, blobsOfJsonAction, blobsOfTree } from './action-blobs.ts';

const [FILE, TREE, ROOT, STDOUT, STDERR] = ['file', 'tree', 'root', 'stdout', 'stderr'].map((text) =>
  digestOf(text),
);
const digest = (hash: string | undefined): Buffer => digestMessage(hash ?? '', 7);

describe('an action result', () => {
  test('names its files, its trees, their roots and what was printed', () => {
    const result = message(
      [2, message([1, 'out/a'], [2, digest(FILE)], [4, 1])],
      [3, message([1, 'out/dir'], [3, digest(TREE)], [5, digest(ROOT)])],
      [4, 0],
      [6, digest(STDOUT)],
      [8, digest(STDERR)],
      [9, message([1, 'a worker'])],
      [77, 'of a later version'],
    );
    assert.deepEqual(blobsOfAction(result), {
      blobs: new Set([FILE, ROOT, STDOUT, STDERR, TREE]),
      trees: new Set([TREE]),
    });
  });

  test('that has nothing but an exit code names nothing', () => {
    assert.deepEqual(blobsOfAction(message([4, 0])), { blobs: new Set(), trees: new Set() });
  });

  for (const [what, bytes] of [
    ['a digest that is no SHA-256', message([6, digestMessage('abc', 1)])],
    ['a digest in capitals', message([6, digest(FILE?.toUpperCase())])],
    ['a digest without a hash', message([6, message([2, 7])])],
    ['a number where a message should be', message([2, 7])],
    ['a file that is no message', message([2, Buffer.from([0xff])])],
  ] as const)
    test(`with ${what} is none`, () => {
      assert.equal(blobsOfAction(bytes), undefined);
    });

  test('is found in no other bytes by accident: nothing is thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const name of blobsOfAction(bytes)?.blobs ?? []) assert.match(name, /^[0-9a-f]{64}$/);
        blobsOfTree(bytes);
      }),
    );
  });
});

test('a tree names the files of its root and of every directory below', () => {
  const directory = (hash: string | undefined): Buffer =>
    message([1, message([1, 'name'], [2, digest(hash)])], [2, message([1, 'sub'], [2, digest(ROOT)])]);
  assert.deepEqual(
    blobsOfTree(message([1, directory(FILE)], [2, directory(STDOUT)], [2, directory(FILE)])),
    new Set([FILE, STDOUT]),
  );
});

test('of what is packed with empty messages no more is read than its bytes could hold of files', () => {
  const packed = Buffer.alloc(4 * 1024 * 1024, Buffer.from([0x0a, 0x00]));
  assert.equal(blobsOfTree(packed), undefined);
  assert.equal(blobsOfTree(message([1, packed])), undefined);
  assert.equal(blobsOfAction(Buffer.alloc(1024 * 1024, Buffer.from([0x12, 0x00]))), undefined);
});

test('files with the shortest of names are not too many', () => {
  const file = message([1, 'a'], [2, digest(FILE)]);
  const files = message(...Array.from({ length: 10_000 }, () => [1, file] as const));
  assert.deepEqual(blobsOfTree(message([1, files])), new Set([FILE]));
});

describe('an action result in JSON', () => {
  test('names every digest in it', () => {
    const result = {
      outputFiles: [{ path: 'out/a', digest: { hash: FILE, sizeBytes: '7' } }],
      outputDirectories: [{ path: 'out/dir', treeDigest: { hash: TREE, sizeBytes: '7' } }],
      exitCode: 0,
      stdoutDigest: { hash: STDOUT, sizeBytes: '7' },
      stderrDigest: { hash: 'none', sizeBytes: '0' },
      executionMetadata: { worker: FILE },
    };
    assert.deepEqual(blobsOfJsonAction(Buffer.from(JSON.stringify(result))), new Set([FILE, TREE, STDOUT]));
  });

  test('is no other text', () => {
    for (const text of ['', '{', 'abc']) assert.equal(blobsOfJsonAction(Buffer.from(text)), undefined);
  });

  test('whatever the JSON, nothing is thrown', () => {
    const deep = '['.repeat(50_000) + ']'.repeat(50_000);
    for (const text of [
      deep,
      '{"hash":{"toString":1}}',
      '{"hash":["a"]}',
      'null',
      '{"__proto__":{"hash":"a"}}',
    ])
      assert.deepEqual(blobsOfJsonAction(Buffer.from(text)), new Set());
    fc.assert(
      fc.property(fc.json(), (text) => {
        assert.ok(blobsOfJsonAction(Buffer.from(text)));
      }),
    );
  });
});
