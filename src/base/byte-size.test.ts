import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatByteSize, parseByteSize, spellByteSize } from './byte-size.ts';

test('decimal units count thousands, binary units and single letters 1,024s', () => {
  const sizes: [string, number][] = [
    ['4096', 4096],
    ['4096B', 4096],
    ['1.5GB', 1_500_000_000],
    ['1kB', 1000],
    ['256MiB', 268_435_456],
    ['2k', 2048],
    ['1T', 2 ** 40],
    ['0', 0],
  ];
  for (const [text, bytes] of sizes) assert.equal(parseByteSize(text), bytes, text);
});

test('case and blanks around the number do not matter', () => {
  assert.equal(parseByteSize('  10 mib\n'), parseByteSize('10MiB'));
});

test('a fraction of a byte is rounded', () => {
  assert.equal(parseByteSize('0.3KiB'), 307);
});

test('what is not a size is refused', () => {
  const texts = [
    '',
    ' ',
    'MiB',
    '-1',
    '+1',
    '1e3',
    '1,5',
    '.5',
    '5.',
    '1 2',
    '1XB',
    '1PiB',
    '0x10',
    'Infinity',
    '1MiB2',
  ];
  for (const text of texts) assert.equal(parseByteSize(text), undefined, text);
});

test('a size beyond what a number holds exactly is refused', () => {
  assert.equal(parseByteSize(String(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER);
  assert.equal(parseByteSize('8192TiB'), undefined);
  assert.equal(parseByteSize('9'.repeat(400)), undefined);
});

test('sizes are shown with one decimal below a hundred of a unit and without above', () => {
  const shown: [number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1_258_291, '1.2 MiB'],
    [100 * 2 ** 20, '100 MiB'],
    [5 * 2 ** 30, '5.0 GiB'],
    [5000 * 2 ** 40, '5000 TiB'],
  ];
  for (const [bytes, text] of shown) assert.equal(formatByteSize(bytes), text);
});

test('a size is never shown as 1,024 of a unit that has a next one, nor as 100.0', () => {
  assert.equal(formatByteSize(2 ** 20 - 1), '1.0 MiB');
  assert.equal(formatByteSize(2 ** 30 - 1), '1.0 GiB');
  assert.equal(formatByteSize(99.97 * 2 ** 20), '100 MiB');
});

test('a shown size is within a twentieth of the real one', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 52 }), (bytes) => {
      const shown = parseByteSize(formatByteSize(bytes)) ?? Number.NaN;
      assert.ok(Math.abs(shown - bytes) <= bytes / 20, `${bytes} → ${formatByteSize(bytes)}`);
    }),
  );
});

test('a size reads back exactly from how it is spelled', () => {
  const sizes = fc.oneof(
    fc.maxSafeNat(),
    fc
      .tuple(fc.nat({ max: 5000 }), fc.constantFrom(2 ** 10, 2 ** 20, 2 ** 30, 2 ** 40))
      .map(([n, unit]) => n * unit),
  );
  fc.assert(fc.property(sizes, (bytes) => assert.equal(parseByteSize(spellByteSize(bytes)), bytes)));
});

test('a size is spelled in the largest binary unit that divides it', () => {
  assert.equal(spellByteSize(5 * 2 ** 30), '5GiB');
  assert.equal(spellByteSize(1536 * 1024), '1536KiB');
  assert.equal(spellByteSize(1000), '1000');
  assert.equal(spellByteSize(0), '0');
});
