import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import fc from 'fast-check';
import { peek } from './peek.ts';

test('however a body comes, its first bytes are seen and all of it is read', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.stringMatching(/^[a-z]{0,6}$/), { maxLength: 6 }),
      fc.integer({ min: 1, max: 12 }),
      async (parts, length) => {
        const body = Readable.from(
          parts.map((part) => Buffer.from(part)),
          { objectMode: false },
        );
        const whole = parts.join('');
        assert.equal((await peek(body, length)).toString(), whole.slice(0, length));
        assert.equal(await text(body.pipe(new PassThrough())), whole);
      },
    ),
  );
});

test('a body that breaks off first is seen as far as it came, and fails its reader', async () => {
  const body = new PassThrough();
  body.write('ab');
  const seen = peek(body, 4);
  body.destroy(new Error('it broke off'));
  assert.equal((await seen).toString(), '');
  await assert.rejects(text(body), /it broke off|premature/i);
});

test('while the rest of the first bytes is awaited, others get their turn', async () => {
  const body = new PassThrough();
  body.write('ab');
  const seen = peek(body, 4);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  body.end('cd');
  assert.equal((await seen).toString(), 'abcd');
});

test('a body that fails the moment it is looked at fails whoever reads it next, and not the process', async () => {
  const body = new Readable({
    read() {
      this.destroy(new Error('gone'));
    },
  });
  assert.equal((await peek(body, 1)).length, 0);
  await assert.rejects(text(body), /gone/);
});
