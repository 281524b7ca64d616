import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_BLOCKS, parseBlockList } from './block-list.ts';

const HEAD = '<?xml version="1.0" encoding="utf-8"?>';
const KINDS = ['Latest', 'Uncommitted', 'Committed'] as const;

const ids = fc
  .uint8Array({ minLength: 1, maxLength: 64 })
  .map((bytes) => Buffer.from(bytes).toString('base64'));
const gaps = fc.constantFrom('', ' ', '\n', '\r\n  ');
const blocks = fc.uniqueArray(fc.tuple(ids, fc.constantFrom(...KINDS), gaps), { selector: ([id]) => id });

test('ids come in the order of the list, whatever kind of block they name', () => {
  fc.assert(
    fc.property(blocks, fc.boolean(), (blocks, hasHead) => {
      const items = blocks.map(([id, kind, gap]) => `${gap}<${kind}>${id}</${kind}>${gap}`).join('');
      assert.deepEqual(
        parseBlockList(`${hasHead ? HEAD : ''}<BlockList>${items}</BlockList>`),
        blocks.map(([id]) => id),
      );
    }),
  );
});

test('what real clients send is read', () => {
  const sdk = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><BlockList><Latest>YQ==</Latest><Latest>Yg==</Latest></BlockList>`;
  assert.deepEqual(parseBlockList(sdk), ['YQ==', 'Yg==']);
  const lines = `${HEAD}\n<BlockList>\n  <Uncommitted>MDAwMA==</Uncommitted>\n</BlockList>\n`;
  assert.deepEqual(parseBlockList(lines), ['MDAwMA==']);
  assert.deepEqual(parseBlockList(`${HEAD}<BlockList/>`), []);
});

test('what is no block list is refused', () => {
  for (const xml of [
    '',
    'YQ==',
    '<BlockList>',
    '<BlockList><Latest>YQ==</Latest>',
    '<BlockList><Latest>YQ==</Uncommitted></BlockList>',
    '<BlockList><Oldest>YQ==</Oldest></BlockList>',
    '<BlockList>YQ==</BlockList>',
    '<BlockList><Latest>&#x2f;</Latest></BlockList>',
    '<BlockList><Latest></Latest></BlockList>',
    '<BlockList><Latest>../../etc</Latest></BlockList>',
    `<BlockList><Latest>${'A'.repeat(90)}</Latest></BlockList>`,
    '<!DOCTYPE x [<!ENTITY a "b">]><BlockList></BlockList>',
    '<BlockList><Latest>YQ==</Latest><Uncommitted>YQ==</Uncommitted></BlockList>',
    `<BlockList>${Array.from({ length: MAX_BLOCKS + 1 }, (_, n) => `<Latest>${String(n).padStart(8, '0')}</Latest>`).join('')}</BlockList>`,
  ])
    assert.throws(() => parseBlockList(xml), { code: 'BAD_REQUEST' }, xml.slice(0, 80));
});

test('any text is read or refused, in time that grows with its length', () => {
  const odd = fc.array(
    fc.constantFrom('<BlockList>', '</BlockList>', '<Latest>', '</Latest>', 'YQ==', ' ', '<?xml', '?>', '\n'),
  );
  fc.assert(
    fc.property(odd, (parts) => {
      try {
        parseBlockList(parts.join(''));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'BAD_REQUEST');
      }
    }),
  );
  const spaces = ' '.repeat(1_000_000);
  for (const long of [
    `${spaces}<Latest>`,
    `<BlockList>${spaces}<Latest>`,
    `</BlockList>${spaces}`.repeat(2),
  ]) {
    const startedAt = performance.now();
    assert.throws(() => parseBlockList(long));
    assert.ok(performance.now() - startedAt < 1_000);
  }
});
