import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { PagedBody, type PagePart } from './paged-body.ts';

const pages = { first: 3, last: 6 };

/** Opens what a test lays down, and notes which pages were asked for. */
function opener(parts: Record<number, PagePart | Error>) {
  const asked: number[] = [];
  const open = async (page: number): Promise<PagePart> => {
    asked.push(page);
    const part = parts[page] ?? new Error('no such page');
    if (part instanceof Error) throw part;
    return part;
  };
  return { asked, open };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await setImmediate();
}

test('pages in memory and pages that come are one body, in order', async () => {
  const { asked, open } = opener({
    4: Readable.from([Buffer.from('c'), Buffer.from('d')]),
    5: Buffer.from('ef'),
    6: Buffer.alloc(600_000, 'g'),
  });
  const body = await buffer(new PagedBody(Buffer.from('ab'), pages, open));
  assert.equal(body.toString(), `abcdef${'g'.repeat(600_000)}`);
  assert.deepEqual(asked, [4, 5, 6]);
});

test('the next page is begun while one is sent, and no other', async () => {
  const first = new PassThrough();
  const { asked, open } = opener({ 4: Buffer.alloc(1_000_000), 5: Buffer.alloc(1_000_000) });
  const body = new PagedBody(first, pages, open);
  assert.deepEqual(asked, []);
  body.read();
  await turns();
  assert.deepEqual(asked, [4]);
  first.end('a');
  await turns();
  assert.deepEqual(asked, [4, 5], 'nobody takes the bytes of page 4');
  body.destroy();
});

test('a page that fails is told in its turn, after all before it', async () => {
  const { open } = opener({ 4: new Error('page 4') });
  const first = new PassThrough();
  const body = new PagedBody(first, pages, open);
  const told: string[] = [];
  body.on('data', (piece) => told.push(String(piece))).on('error', ({ message }) => told.push(message));
  first.write('a');
  await turns();
  assert.deepEqual(told, ['a']);
  first.end('b');
  await turns();
  assert.deepEqual(told, ['a', 'b', 'page 4']);
});

test('a page that breaks off before its turn is nobody’s until then', async () => {
  const [first, second] = [new PassThrough(), new PassThrough()];
  const body = new PagedBody(first, pages, opener({ 4: second }).open);
  const whole = buffer(body);
  first.write('a');
  await turns();
  second.destroy(new Error('reset'));
  await turns();
  first.end('b');
  await assert.rejects(whole, /reset/);
});

test('a reader that leaves lets go of the page that is sent and of the one that was begun', async () => {
  const [first, second] = [new PassThrough(), new PassThrough()];
  const { promise, resolve } = Promise.withResolvers<PagePart>();
  const asked: number[] = [];
  const body = new PagedBody(first, pages, (page) => {
    asked.push(page);
    return promise;
  });
  body.read();
  await turns();
  body.destroy();
  resolve(second);
  await turns();
  assert.deepEqual([first.destroyed, second.destroyed, asked], [true, true, [4]]);
});

test('a reader that leaves while it waits for a page begins no other', async () => {
  const second = new PassThrough();
  const { promise, resolve } = Promise.withResolvers<PagePart>();
  const asked: number[] = [];
  const body = new PagedBody(Buffer.from('a'), pages, (page) => {
    asked.push(page);
    return promise;
  });
  body.resume();
  await turns();
  body.destroy();
  resolve(second);
  await turns();
  assert.deepEqual([second.destroyed, asked], [true, [4]]);
});
