import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { OpenedTempFiles } from '../../test/rig/opened-files.ts';
import { until } from '../../test/rig/until.ts';
import { digestOf } from '../base/digest.ts';
import type { FilePath } from './file-path.ts';
import type { FileReading } from './file-reading.ts';

const run = promisify(execFile);
const LARGE = 'x'.repeat(1_000_000);

async function open({ files }: OpenedTempFiles, path: string): Promise<FileReading> {
  const reading = await files.reader.open(path as FilePath);
  assert.ok(reading && reading !== 'folder');
  return reading;
}

/** Its bytes are not read, by which some file systems change the time themselves. @returns the tag */
async function use(opened: OpenedTempFiles, path: string): Promise<string> {
  using reading = await open(opened, path);
  return reading.facts.etag;
}

/** Of this process, in the folder of the files; without those of the journal. */
function openIn({ root }: OpenedTempFiles): string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${name}`);
      return target.startsWith(root) && !/\.velocity\/(index|journal)-/.test(target) ? [target] : [];
    } catch {
      return []; // the one of this very listing
    }
  });
}

describe('a reading', () => {
  const ways: Readonly<Record<string, (reading: FileReading) => Promise<void>>> = {
    'is closed': async (reading) => reading.close(),
    'is streamed to its end': async (reading) => void (await text(reading.stream())),
    'is streamed over without being destroyed': async (reading) => {
      for await (const _ of reading.stream().iterator({ destroyOnReturn: false }));
    },
    'is left in the middle': async (reading) => {
      for await (const _ of reading.stream()) break;
    },
    'is destroyed before its first byte': async (reading) => void reading.stream().destroy(),
    'is destroyed while it reads': async (reading) => {
      const stream = reading.stream();
      stream.read();
      stream.destroy();
    },
    'is had at once': async (reading) => {
      if (!(await reading.bytes())) reading.close();
    },
  };
  for (const [what, way] of Object.entries(ways))
    test(`that ${what} leaves no file open, and nobody reading`, {
      skip: process.platform !== 'linux',
    }, async () => {
      await using opened = await OpenedTempFiles.open();
      await opened.put('large', LARGE);
      await opened.put('small', 'small');
      await opened.put('empty', '');
      for (const path of ['large', 'small', 'empty']) {
        const reading = await open(opened, path);
        assert.equal(opened.files.isRead(path as FilePath), true);
        await way(reading);
        await until(async () => openIn(opened).length === 0);
        assert.equal(opened.files.isRead(path as FilePath), false, path);
      }
    });

  test('has the bytes that were there when it was opened, whatever becomes of the file', async () => {
    await using opened = await OpenedTempFiles.open();
    for (const change of [
      () => opened.put('file', 'other'),
      () => rm(opened.at('file')),
      () => opened.files.remove('file' as FilePath, {}),
    ]) {
      await opened.put('file', LARGE);
      const reading = await open(opened, 'file');
      await change();
      assert.equal(await text(reading.stream()), LARGE);
    }
  });

  test('of a file that was cut off in place fails, and is never short', async () => {
    await using opened = await OpenedTempFiles.open();
    for (const body of [LARGE, 'small']) {
      await opened.put('file', body);
      const streamed = await open(opened, 'file');
      const whole = await open(opened, 'file');
      await truncate(opened.at('file'), body.length - 1);
      await assert.rejects(text(streamed.stream()), /ends before its length/);
      if (body === 'small') await assert.rejects(whole.bytes(), /ends before its length/);
      whole.close();
    }
  });
});

test('the past is read from the file itself where that has the bytes, else from what was kept of it', async () => {
  await using opened = await OpenedTempFiles.open();
  const { reader } = opened.files;
  await opened.put('file', 'one');
  await opened.put('file', 'two');
  await opened.put('file', 'one');
  for (const [seq, body] of [
    [1, 'one'],
    [2, 'two'],
    [3, 'one'],
  ] as const) {
    const past = await reader.openPast('file' as FilePath, { seq });
    assert.ok('facts' in past);
    assert.deepEqual([past.facts.revision, past.facts.sha256], [seq, digestOf(body)]);
    assert.equal(await text(past.stream()), body);
  }
  assert.deepEqual(await reader.openPast('nothing' as FilePath, { seq: 1 }), { kind: 'never' });
});

test('what was kept of the past and is not those bytes any more is not given out', async () => {
  await using opened = await OpenedTempFiles.open();
  await opened.put('file', 'kept');
  await writeFile(opened.at('file'), 'evil'); // in place: the bytes of history are the same file
  await opened.put('file', 'new');
  const past = await opened.files.reader.openPast('file' as FilePath, { seq: 1 });
  assert.ok('kind' in past && past.kind === 'not-retained');
});

test('a use changes the access time alone: the other stays to the nanosecond, in any year', async () => {
  await using opened = await OpenedTempFiles.open();
  const path = opened.at('file');
  await writeFile(path, 'x');
  const nanosecond = fc.integer({ min: 0, max: 999_999_999 });
  const second = fc.integer({ min: -(2 ** 31), max: 2 ** 32 });
  await fc.assert(
    fc.asyncProperty(second, nanosecond, async (seconds, nanoseconds) => {
      await run('touch', ['-d', `@${seconds}.${String(nanoseconds).padStart(9, '0')}`, path]);
      const { mtimeNs } = lstatSync(path, { bigint: true });
      const etag = await use(opened, 'file');
      const after = lstatSync(path, { bigint: true });
      assert.equal(after.mtimeNs, mtimeNs);
      assert.equal(Math.round(Number(after.atimeNs) / 1e6), opened.clock.now());
      assert.equal(await use(opened, 'file'), etag);
    }),
    { numRuns: 50 },
  );
});

test('a use is noted a minute after the last one, and not before', async () => {
  await using opened = await OpenedTempFiles.open();
  await opened.put('file', 'x');
  const used = (): number => Math.round(lstatSync(opened.at('file')).atimeMs);
  const written = used();
  opened.clock.advance(59_000);
  await use(opened, 'file');
  assert.equal(used(), written);
  opened.clock.advance(2_000);
  await use(opened, 'file');
  assert.equal(used(), opened.clock.now());
  assert.equal(await use(opened, 'file'), digestOf('x'), 'it is the same file');
});
