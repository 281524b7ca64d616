import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { FACTS, GIBIBYTE, packedFrom, placeIn } from '../../../test/rig/artifacts.ts';
import { snapshot, unpackWithSystemTar } from '../../../test/rig/system-tar.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { digestOf } from '../../base/digest.ts';
import { VelocityError } from '../../base/errors.ts';
import { packArtifact } from './pack.ts';

function open(files: Record<string, string>): Promise<TempWorkspace> {
  return TempWorkspace.open({ 'packages/web/package.json': {}, ...files }, { git: false });
}

async function refusal(
  workspace: TempWorkspace,
  patterns?: readonly string[],
  maxBytes?: number,
): Promise<string> {
  try {
    await packedFrom(
      placeIn(workspace, patterns ? { patterns } : {}),
      maxBytes === undefined ? {} : { maxBytes },
    );
  } catch (error) {
    assert.ok(error instanceof VelocityError, String(error));
    assert.equal(error.code, 'OUTPUT_UNCACHEABLE');
    return error.message;
  }
  return assert.fail('it was packed');
}

describe('packArtifact', () => {
  test('the manifest lists every output with mode, size and digest', async () => {
    await using workspace = await open({ 'packages/web/dist/a.js': 'content' });
    workspace.chmod('packages/web/dist/a.js', 0o750);
    mkdirSync(workspace.path('packages/web/dist/empty'), { mode: 0o700 });
    symlinkSync('a.js', workspace.path('packages/web/dist/link'));
    const place = placeIn(workspace);
    const { manifest } = await packArtifact({
      ...place,
      facts: FACTS,
      log: { bytes: Buffer.from('said'), truncated: true },
      found: place.outputs.find(),
      maxBytes: GIBIBYTE,
    });
    assert.deepEqual(manifest, {
      format: 'velocity-artifact-v1',
      ...FACTS,
      exitCode: 0,
      log: { sizeBytes: 4, truncated: true },
      outputs: [
        { path: 'dist/a.js', kind: 'file', mode: 0o750, sizeBytes: 7, digest: digestOf('content') },
        { path: 'dist/empty', kind: 'directory', mode: 0o700 },
        { path: 'dist/link', kind: 'link', target: 'a.js' },
      ],
    });
  });

  test('the same outputs give the same bytes, whenever and wherever they were made', async () => {
    await using one = await open({ 'packages/web/dist/b': 'x', 'packages/web/dist/a': 'y' });
    await using other = await open({ 'packages/web/dist/a': 'y', 'packages/web/dist/b': 'x' });
    assert.deepEqual(await packedFrom(placeIn(one)), await packedFrom(placeIn(other)));
  });

  test('the system’s tools unpack it into a readable folder', async () => {
    await using workspace = await open({
      'packages/web/dist/ü/a.js': 'content',
      'packages/web/dist/empty': '',
    });
    workspace.chmod('packages/web/dist/ü/a.js', 0o755);
    mkdirSync(workspace.path('packages/web/dist/hollow'));
    symlinkSync('ü/a.js', workspace.path('packages/web/dist/link'));
    await using unpacked = await openTempFolder();
    unpackWithSystemTar(
      zstdDecompressSync(await packedFrom(placeIn(workspace), { log: 'said\n' })),
      unpacked.path,
    );
    assert.deepEqual(
      snapshot(`${unpacked.path}/outputs/dist`),
      snapshot(workspace.path('packages/web/dist')),
    );
    assert.ok(snapshot(unpacked.path).includes(`file 644 log = ${Buffer.from('said\n').toString('base64')}`));
  });

  test('nothing made is an artifact too: its log is the result', async () => {
    await using workspace = await open({});
    await using unpacked = await openTempFolder();
    unpackWithSystemTar(
      zstdDecompressSync(await packedFrom(placeIn(workspace), { log: 'ok' })),
      unpacked.path,
    );
    assert.equal(snapshot(unpacked.path).length, 2);
  });

  test('outputs too large for memory are streamed, and are the same archive', async () => {
    await using workspace = await open({ 'packages/web/dist/small': 'small' });
    const file = openSync(workspace.path('packages/web/dist/large'), 'w');
    ftruncateSync(file, 33 * 2 ** 20);
    closeSync(file);
    appendFileSync(workspace.path('packages/web/dist/large'), 'end');
    const place = placeIn(workspace);
    const { body, manifest } = await packArtifact({
      ...place,
      facts: FACTS,
      log: { bytes: Buffer.alloc(0), truncated: false },
      found: place.outputs.find(),
      maxBytes: GIBIBYTE,
    });
    assert.ok(body instanceof Readable);
    const archive = zstdDecompressSync(Buffer.concat(await body.toArray()));
    await using unpacked = await openTempFolder();
    unpackWithSystemTar(archive, unpacked.path);
    assert.deepEqual(
      snapshot(`${unpacked.path}/outputs/dist`),
      snapshot(workspace.path('packages/web/dist')),
    );
    const large = manifest.outputs.find(({ path }) => path === 'dist/large');
    assert.equal(large?.kind === 'file' && large.sizeBytes, 33 * 2 ** 20 + 3);
  });
});

describe('what an artifact must not hold', () => {
  test('more bytes than allowed', async () => {
    await using workspace = await open({ 'packages/web/dist/a': 'x'.repeat(2048) });
    assert.match(
      await refusal(workspace, undefined, 2047),
      /the outputs have 2\.0 KiB, the limit is 2\.0 KiB/,
    );
  });

  test('a pipe', async () => {
    await using workspace = await open({ 'packages/web/dist/a': '' });
    execFileSync('mkfifo', [workspace.path('packages/web/dist/pipe')]);
    assert.match(await refusal(workspace), /"dist\/pipe" is a pipe, socket or device/);
  });

  test('a link that leads out of the workspace', async () => {
    await using workspace = await open({ 'packages/web/dist/a': '' });
    symlinkSync('../../../..', workspace.path('packages/web/dist/out'));
    assert.match(await refusal(workspace), /"dist\/out" is a link that leads out of the workspace/);
  });

  test('a link to an absolute path, be it inside', async () => {
    await using workspace = await open({ 'packages/web/dist/a': '' });
    symlinkSync(workspace.root, workspace.path('packages/web/dist/home'));
    assert.match(await refusal(workspace), /"dist\/home" is a link to an absolute path/);
  });

  test('a name that no other system could have', async () => {
    await using workspace = await open({ 'packages/web/dist/a\\b': '' });
    assert.match(await refusal(workspace), /holds a backslash/);
  });

  test('what lies outside behind a link', async () => {
    await using workspace = await open({});
    await using outside = await openTempFolder();
    mkdirSync(`${outside.path}/dist/a`, { recursive: true });
    symlinkSync(outside.path, workspace.path('packages/web/build'));
    assert.match(await refusal(workspace, ['build/dist/**']), /"build" is a link to an absolute path/);
  });
});

describe('outputs that change while they are packed', () => {
  /** Packs outputs that change between being found and being read. */
  async function packedAfter(workspace: TempWorkspace, change: (path: string) => void): Promise<void> {
    const place = placeIn(workspace);
    const found = place.outputs.find();
    change(workspace.path('packages/web/dist/a'));
    const { body } = await packArtifact({
      ...place,
      facts: FACTS,
      log: { bytes: Buffer.alloc(0), truncated: false },
      found,
      maxBytes: GIBIBYTE,
    });
    if (body instanceof Readable) await body.toArray();
  }

  const isRefused = { code: 'OUTPUT_UNCACHEABLE' };

  test('one that is gone is told', async () => {
    await using workspace = await open({ 'packages/web/dist/a': 'x' });
    await assert.rejects(packedAfter(workspace, unlinkSync), isRefused);
  });

  test('a large one that is gone is told', async () => {
    await using workspace = await open({ 'packages/web/dist/a': 'x'.repeat(33 * 2 ** 20) });
    await assert.rejects(packedAfter(workspace, unlinkSync), isRefused);
  });

  test('a large one that grew or shrank is told', async () => {
    await using workspace = await open({ 'packages/web/dist/a': 'x'.repeat(33 * 2 ** 20) });
    await assert.rejects(
      packedAfter(workspace, (path) => appendFileSync(path, 'more')),
      isRefused,
    );
    await assert.rejects(
      packedAfter(workspace, (path) => {
        const file = openSync(path, 'r+');
        ftruncateSync(file, 100);
        closeSync(file);
      }),
      isRefused,
    );
  });
});
