import assert from 'node:assert/strict';
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  packWithSystemTar,
  snapshot,
  type TarFormat,
  unpackWithSystemTar,
} from '../../../../test/rig/system-tar.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { VelocityError } from '../../../base/errors.ts';
import { BLOCK_BYTES, paddingAfter, type TarEntry } from './tar-entry.ts';
import { END_OF_ARCHIVE, encodeHeader } from './tar-header.ts';
import { TarParser } from './tar-parser.ts';

interface Member extends Omit<TarEntry, 'sizeBytes'> {
  readonly body: Buffer;
}

function archiveOf(members: readonly Member[]): Buffer {
  const parts = members.flatMap(({ body, ...entry }) => [
    encodeHeader({ ...entry, sizeBytes: body.length }),
    body,
    Buffer.alloc(paddingAfter(body.length)),
  ]);
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

/** The members of an archive that comes in these pieces. */
function read(...chunks: readonly Buffer[]): Member[] {
  const parser = new TarParser();
  const members: { entry: TarEntry; body: Buffer[] }[] = [];
  for (const chunk of chunks) {
    for (const event of parser.push(chunk)) {
      if (event.type === 'entry') members.push({ entry: event.entry, body: [] });
      else members.at(-1)?.body.push(Buffer.from(event.chunk));
    }
  }
  parser.end();
  return members.map(({ entry: { sizeBytes, ...entry }, body }) => {
    const whole = Buffer.concat(body);
    assert.equal(whole.length, sizeBytes);
    return { ...entry, body: whole };
  });
}

function refusal(...chunks: readonly Buffer[]): string {
  try {
    read(...chunks);
  } catch (error) {
    assert.ok(error instanceof VelocityError, String(error));
    assert.equal(error.code, 'ARTIFACT_DAMAGED');
    return error.message;
  }
  return assert.fail('it was read');
}

function fileOf(path: string, body: string): Member {
  return { path, kind: 'file', mode: 0o644, target: '', body: Buffer.from(body) };
}

/** Names of up to some hundred letters of all languages: what a path may hold, a tar must carry. */
const segment = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    fc.string({ unit: fc.constantFrom('a', 'é', '\n', ' ', '=', '語'), minLength: 90, maxLength: 130 }),
  )
  .map((text) => text.replaceAll(/[/\0]/g, '_'));
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const PLAIN = { noNullPrototype: true };
const member: fc.Arbitrary<Member> = fc.oneof(
  fc.record(
    {
      path,
      kind: fc.constant('file' as const),
      mode: fc.nat(0o777),
      target: fc.constant(''),
      body: fc.uint8Array({ maxLength: 1500 }).map((bytes) => Buffer.from(bytes)),
    },
    PLAIN,
  ),
  fc.record(
    {
      path,
      kind: fc.constant('directory' as const),
      mode: fc.nat(0o777),
      target: fc.constant(''),
      body: fc.constant(Buffer.alloc(0)),
    },
    PLAIN,
  ),
  fc.record(
    {
      path,
      kind: fc.constant('link' as const),
      mode: fc.constant(0o777),
      target: path,
      body: fc.constant(Buffer.alloc(0)),
    },
    PLAIN,
  ),
);

describe('an archive of ours', () => {
  test('it is read as it was written, cut into pieces of any size', () => {
    fc.assert(
      fc.property(
        fc.array(member, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 }),
        (members, sizes) => {
          const archive = archiveOf(members);
          const chunks: Buffer[] = [];
          for (let at = 0, turn = 0; at < archive.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            chunks.push(archive.subarray(at, at + size));
            at += size;
          }
          assert.deepEqual(read(...chunks), members);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('it is read byte by byte', () => {
    const members = [fileOf('a', 'one'), fileOf('x'.repeat(300), 'two'), fileOf('b', '')];
    const archive = archiveOf(members);
    assert.deepEqual(read(...Array.from(archive, (_, index) => archive.subarray(index, index + 1))), members);
  });

  test('what follows its end is nothing', () => {
    assert.deepEqual(read(archiveOf([fileOf('a', 'x')]), Buffer.alloc(20_000, 'junk')), [fileOf('a', 'x')]);
  });

  test('one without a member is one', () => {
    assert.deepEqual(read(END_OF_ARCHIVE), []);
  });

  test('bytes of a body are a view, not a copy', () => {
    const archive = archiveOf([fileOf('a', 'content')]);
    const events = [...new TarParser().push(archive)];
    assert.ok(events.some((event) => event.type === 'data' && event.chunk.buffer === archive.buffer));
  });
});

/** A folder of all that an artifact can hold; names as long as the format takes. */
function fill(folder: string, format: TarFormat): void {
  const write = (path: string, content: string, mode: number): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    chmodSync(join(folder, path), mode);
  };
  write('plain.txt', 'plain', 0o644);
  write('empty', '', 0o600);
  write('bin/tool', '#!/bin/sh\n', 0o755);
  write('block', 'x'.repeat(BLOCK_BYTES), 0o644);
  write(`${'deep/'.repeat(25)}file`, 'deep', 0o644);
  mkdirSync(join(folder, 'hollow/below'), { recursive: true });
  symlinkSync('../plain.txt', join(folder, 'bin/link'));
  if (format === 'ustar') return;
  write('straße/語 🚀.txt', 'unicode', 0o644);
  write('n'.repeat(200), 'long name', 0o644);
  write(`${'f'.repeat(120)}/${'g'.repeat(150)}`, 'long folder', 0o644);
  symlinkSync(`${'t'.repeat(180)}/ü`, join(folder, 'long-link'));
}

describe('the system’s tar', () => {
  for (const format of ['ustar', 'pax', 'gnu'] as const) {
    test(`its ${format} archives are read`, async () => {
      await using folder = await openTempFolder();
      fill(folder.path, format);
      const lines = read(packWithSystemTar(folder.path, format)).map(({ path, kind, mode, target, body }) => {
        const name = path.replace(/^\.\//, '');
        if (kind === 'link') return `link ${name} → ${target}`;
        if (kind === 'directory') return `folder ${mode.toString(8)} ${name}`;
        return `file ${mode.toString(8)} ${name} = ${body.toString('base64')}`;
      });
      assert.deepEqual(lines.sort(), snapshot(folder.path).sort());
    });
  }

  test('it unpacks ours: modes, links, empty folders, long names, all letters', async () => {
    await using original = await openTempFolder();
    fill(original.path, 'pax');
    await using copy = await openTempFolder();
    unpackWithSystemTar(archiveOf(read(packWithSystemTar(original.path, 'pax'))), copy.path);
    assert.deepEqual(snapshot(copy.path), snapshot(original.path));
  });

  test('what no artifact holds is refused, not skipped', async () => {
    await using folder = await openTempFolder();
    writeFileSync(join(folder.path, 'a'), 'x');
    linkSync(join(folder.path, 'a'), join(folder.path, 'b'));
    assert.match(refusal(packWithSystemTar(folder.path, 'gnu')), /an entry of type "1"/);
  });
});

describe('damage', () => {
  const archive = archiveOf([fileOf('a', 'x'.repeat(600)), fileOf('n'.repeat(150), 'y')]);

  test('an archive that is cut anywhere before its end is damaged', () => {
    const lengths = fc.integer({ min: 0, max: archive.length - 1 });
    fc.assert(
      fc.property(lengths, (length) => assert.match(refusal(archive.subarray(0, length)), /damaged/)),
    );
  });

  test('bytes of any kind are read or refused, never a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3 * BLOCK_BYTES }), (bytes) => {
        assert.match(refusal(Buffer.concat([Buffer.of(1), bytes])), /damaged/);
      }),
    );
  });

  test('a changed byte is refused, or was one that says nothing', () => {
    const members = read(archive);
    fc.assert(
      fc.property(fc.nat(archive.length - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const changed = Buffer.from(archive);
        changed[index] = (changed[index] ?? 0) ^ change;
        try {
          const found = read(changed);
          // Bodies have no checksum here, and padding says nothing; names and sizes are safe.
          assert.deepEqual(
            found.map(({ kind, mode, body }) => [kind, mode, body.length]),
            members.map(({ kind, mode, body }) => [kind, mode, body.length]),
          );
        } catch (error) {
          assert.ok(error instanceof VelocityError && error.code === 'ARTIFACT_DAMAGED', String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('an entry behind a block of zeros is damage', () => {
    assert.match(refusal(Buffer.alloc(BLOCK_BYTES), archive), /an entry follows its end/);
  });

  test('a link or folder with a body is damage', () => {
    for (const kind of ['link', 'directory'] as const) {
      const header = encodeHeader({ path: 'a', kind, mode: 0o755, sizeBytes: 5, target: '' });
      assert.match(refusal(header), /beyond all bounds/);
    }
  });

  test('of the mode nothing but permissions is read', () => {
    const [entry] = read(archiveOf([{ ...fileOf('a', ''), mode: 0o6755 }]));
    assert.equal(entry?.mode, 0o755);
  });
});

describe('attacks on memory', () => {
  /** A header of extended type, as its size says, without its body. */
  function extended(sizeBytes: number, type: string): Buffer {
    const block = Buffer.from(encodeHeader({ ...fileOf('h', ''), sizeBytes }));
    block.write(type, 156, 'latin1');
    block.fill(' ', 148, 156);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return block;
  }

  test('an extended header of more than a mebibyte is refused before its body is taken', () => {
    for (const type of ['x', 'g', 'L', 'K'])
      assert.match(refusal(extended(2 ** 30, type)), /an extended header is beyond all bounds/);
  });

  test('many extended headers before one entry count together', () => {
    const half = Buffer.concat([extended(2 ** 19, 'g'), Buffer.alloc(2 ** 19)]);
    assert.match(refusal(half, half), /an extended header is beyond all bounds/);
  });

  test('extended headers without end are refused, although each is empty', () => {
    const parser = new TarParser();
    const chunk = Buffer.concat(Array.from({ length: 100 }, () => extended(0, 'x')));
    assert.throws(() => {
      for (let pushed = 0; pushed < 100; pushed++) Array.from(parser.push(chunk));
    }, /an extended header is beyond all bounds/);
  });

  test('each entry may have its own', () => {
    const members = Array.from({ length: 3000 }, (_, index) => fileOf(`${'n'.repeat(120)}${index}`, ''));
    assert.equal(read(archiveOf(members)).length, 3000);
  });

  test('a size of 2^40 is only a size until its bytes come', () => {
    const parser = new TarParser();
    const events = [...parser.push(encodeHeader({ ...fileOf('a', ''), sizeBytes: 2 ** 40 }))];
    assert.deepEqual(events, [
      { type: 'entry', entry: { path: 'a', kind: 'file', mode: 0o644, sizeBytes: 2 ** 40, target: '' } },
    ]);
    assert.throws(() => parser.end(), /ends before its last block/);
  });
});
