import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Runs the built file itself: it must be executable and start with a shebang. */
function receipt(input: string, ...args: string[]) {
  return spawnSync(here('../dist/receipt'), args, { input, encoding: 'utf8' });
}

const breakfast = readFileSync(here('baskets/breakfast.json'), 'utf8');

test('a basket becomes the slip that we know', () => {
  const { status, stdout } = receipt(breakfast, '--locale', 'de');
  assert.equal(status, 0);
  assert.equal(stdout.replaceAll('\u00a0', ' '), readFileSync(here('baskets/breakfast.de.txt'), 'utf8'));
});

test('every row of a slip fits the paper', () => {
  for (const locale of ['en', 'de', 'fr']) {
    const { stdout } = receipt(breakfast, '--locale', locale);
    assert.deepEqual(
      stdout.split('\n').filter((row) => row.length > 40),
      [],
      locale,
    );
  }
});

test('anything but a basket is refused with exit code 2', () => {
  const { status, stderr } = receipt('{"lines": []}');
  assert.equal(status, 2);
  assert.match(stderr, /not a basket/);
});
