import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyRefusal } from '../../storage/object-key.ts';
import { objectPath } from './object-path.ts';

test('whatever is sent, what comes out is a key, and names the same bytes', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '/',
      '..',
      '.',
      '%2e',
      '%2F',
      '%5c',
      '%00',
      '%25',
      '%',
      '\\',
      '?',
      '#',
      'a',
      'ü',
      '%c3%bc',
      '%ff',
    ),
    fc.string({ maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const target = `/media/${pieces.join('')}`;
      let key: string;
      try {
        key = objectPath(target, 'media');
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'INVALID_KEY');
        return;
      }
      assert.equal(keyRefusal(key), undefined);
      const again = objectPath(`/media/${key.split('/').map(encodeURIComponent).join('/')}`, 'media');
      assert.equal(again, key);
    }),
    { numRuns: 2000 },
  );
});

test('a bucket that is spelled otherwise than it is called is not it', () => {
  for (const target of ['/med%69a/a', '//media/a', '/media', '/MEDIA/a', '/mediab/a'])
    assert.throws(() => objectPath(target, 'media'), { code: 'INVALID_KEY' });
});
