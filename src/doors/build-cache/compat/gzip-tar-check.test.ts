import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { packWithSystemTar, type TarFormat } from '../../../../test/rig/system-tar.ts';
import { type Files, TempWorkspace } from '../../../../test/rig/temp-workspace.ts';
import { GzipTarCheck } from './gzip-tar-check.ts';

const LONG = 'x'.repeat(150);
const FILES: Files = {
  'dist/a.txt': 'built\n',
  'dist/empty': '',
  'dist/block': 'b'.repeat(512),
  'dist/random': randomBytes(100_000),
  [`dist/${LONG}/${LONG}`]: 'long',
};

async function archive(format: TarFormat = 'gnu'): Promise<Buffer> {
  await using folder = await TempWorkspace.open(FILES, { git: false });
  return packWithSystemTar(folder.root, format);
}

function inPieces(bytes: Buffer, pieceBytes: number): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  return Readable.from(pieces, { objectMode: false });
}

/** What came through, and the failure that ended it. */
async function check(body: Readable): Promise<{ passed: Buffer; failure: unknown }> {
  const checked = new GzipTarCheck();
  const chunks: Buffer[] = [];
  checked.on('data', (chunk: Buffer) => chunks.push(chunk));
  const failure = await pipeline(body, checked).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { passed: Buffer.concat(chunks), failure };
}

async function assertRefused(body: Buffer, why: RegExp, pieceBytes = 1000): Promise<void> {
  const { passed, failure } = await check(inPieces(body, pieceBytes));
  assert.ok(failure instanceof Error && 'code' in failure, `${why} was let through`);
  assert.equal(failure.code, 'BODY_DAMAGED', String(failure));
  assert.match(failure.message, why);
  assert.ok(passed.length < body.length || body.length === 0, 'its last bytes were let through');
}

describe('a whole archive passes as it is', () => {
  for (const format of ['ustar', 'pax', 'gnu'] as const)
    test(`in the form of ${format}, in pieces of any size`, async () => {
      const body = gzipSync(format === 'ustar' ? await plain() : await archive(format));
      for (const pieceBytes of [1, 511, 65_536, body.length]) {
        if (pieceBytes === 1 && format !== 'gnu') continue;
        const { passed, failure } = await check(inPieces(body, pieceBytes));
        assert.equal(failure, undefined);
        assert.ok(passed.equals(body));
      }
    });

  test('with a sparse file whose parts need more than one block', async () => {
    await using folder = await TempWorkspace.open({}, { git: false });
    const holes = "for (let i = 0; i < 40; i++) fs.writeSync(f, 'data', i * 65536)";
    execFileSync(process.execPath, ['-e', `const f = fs.openSync('sparse', 'w'); ${holes}`], {
      cwd: folder.root,
    });
    const args = ['--format=gnu', '--sparse', '-c', '-f', '-', 'sparse'];
    const tar = execFileSync('tar', args, { cwd: folder.root });
    assert.ok(tar.length < 400_000, 'the file has holes');
    assert.equal((await check(inPieces(gzipSync(tar), 1000))).failure, undefined);
  });

  test('however well it shrinks, within reason', async () => {
    const header = await headerOf(200 * 1024 * 1024);
    const body = gzipSync(Buffer.concat([header, Buffer.alloc(200 * 1024 * 1024), Buffer.alloc(1024)]), {
      level: 1,
    });
    assert.equal((await check(inPieces(body, 16_384))).failure, undefined);
  });
});

describe('what is not a whole archive is refused before its last bytes', () => {
  test('cut anywhere', async () => {
    const body = gzipSync(await archive());
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: body.length - 1 }), async (length) => {
        await assertRefused(body.subarray(0, length), /unexpected end of file|ends before/);
      }),
      { numRuns: 50 },
    );
  });

  test('with a byte that was changed anywhere, unless it makes no difference', async () => {
    const tar = await archive();
    const body = gzipSync(tar);
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(body);
        changed[at] = (changed[at] ?? 0) ^ flip;
        if ((await check(inPieces(changed, 1000))).failure === undefined)
          assert.ok(gunzipSync(changed).equals(tar));
      }),
      { numRuns: 100 },
    );
  });

  test('whose archive ends too early or is none, though gzip’s own checksum is right', async () => {
    const tar = await archive();
    const end = tar.length - (tar.length % 512);
    const lastEntry = tar.subarray(0, end).findLastIndex((byte) => byte !== 0);
    await assertRefused(gzipSync(tar.subarray(0, lastEntry)), /ends before its last block/);
    await assertRefused(gzipSync(Buffer.from('no archive at all\n'.repeat(100))), /checksum|octal/);
    await assertRefused(gzipSync(Buffer.alloc(0)), /ends before its last block/);
    await assertRefused(gzipSync(Buffer.alloc(512)), /ends before its last block/);
  });

  test('that is no gzip, or has something behind it', async () => {
    const body = gzipSync(await archive());
    await assertRefused(Buffer.from('garbage of some length'), /incorrect header/);
    await assertRefused(await archive(), /incorrect header/);
    for (const rest of [Buffer.alloc(20), Buffer.from('rest'), Buffer.alloc(300_000)])
      await assertRefused(Buffer.concat([body, rest]), /follows its end|incorrect header/);
  });

  test('that is a bomb, long before its end', async () => {
    const header = await headerOf(4 * 1024 ** 3);
    const [head, zeros] = [gzipSync(header), gzipSync(Buffer.alloc(64 * 1024 * 1024))];
    const bomb = Buffer.concat([head, ...Array.from({ length: 64 }, () => zeros)]);
    let sentBytes = 0;
    const body = inPieces(bomb, 16_384).on('data', (chunk: Buffer) => {
      sentBytes += chunk.length;
    });
    const { failure } = await check(body);
    assert.match(String(failure), /inflates beyond all measure/);
    assert.ok(sentBytes < bomb.length / 5, `${sentBytes} of ${bomb.length} bytes were taken`);
  });
});

test('a body that breaks off fails, and what was checking it is over', async () => {
  const body = gzipSync(await archive());
  const checked = new GzipTarCheck();
  checked.write(body.subarray(0, 100));
  checked.destroy(new Error('the client left'));
  await assert.rejects(buffer(checked), /the client left|Premature close/);
});

/** The header of a file of so many bytes. */
async function headerOf(sizeBytes: number): Promise<Buffer> {
  const header = Buffer.alloc(512);
  header.write('zeros', 0);
  header.write(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124);
  header.write('0', 156);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** Without the name that is too long for ustar. */
async function plain(): Promise<Buffer> {
  await using folder = await TempWorkspace.open({ 'dist/a.txt': 'built\n' }, { git: false });
  return packWithSystemTar(folder.root, 'ustar');
}
