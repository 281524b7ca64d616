import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { eachChunk } from './each-chunk.ts';

/** Whoever waits for this has let all that was to be done at once be done. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function chunksOf(stream: Readable): Promise<string[]> {
  const chunks: string[] = [];
  await eachChunk(stream, (chunk) => void chunks.push(String(chunk)));
  return chunks;
}

test('all chunks come in their order, and then it is over', async () => {
  assert.deepEqual(await chunksOf(Readable.from([Buffer.from('a'), Buffer.from('b')])), ['a', 'b']);
  assert.deepEqual(await chunksOf(Readable.from([])), []);
});

test('no chunk comes while one is being taken, and the end waits for the last', async () => {
  const stream = new PassThrough();
  const taking: PromiseWithResolvers<void>[] = [];
  let isOver = false;
  const over = eachChunk(stream, () => {
    const taken = Promise.withResolvers<void>();
    taking.push(taken);
    return taken.promise;
  }).then(() => {
    isOver = true;
  });
  stream.write('a');
  await nextTurn();
  stream.write('b');
  stream.end();
  await nextTurn();
  assert.equal(taking.length, 1);
  taking[0]?.resolve();
  await nextTurn();
  assert.equal(taking.length, 2);
  await nextTurn();
  assert.equal(isOver, false);
  taking[1]?.resolve();
  await over;
});

test('what the stream fails with is thrown, whether it fails before or meanwhile', async () => {
  const before = new PassThrough().on('error', () => {});
  before.destroy(new Error('was broken'));
  await nextTurn();
  await assert.rejects(chunksOf(before), /was broken/);
  const meanwhile = new PassThrough();
  const over = chunksOf(meanwhile);
  meanwhile.write('a');
  meanwhile.destroy(new Error('broke'));
  await assert.rejects(over, /broke/);
});

test('nothing is thrown while a chunk is being taken', async () => {
  for (const [how, wanted] of [
    ['resolve', /broke/],
    ['reject', /not taken/],
  ] as const) {
    const [stream, taken] = [new PassThrough(), Promise.withResolvers<void>()];
    let isOver = false;
    const over = eachChunk(stream, () => taken.promise).finally(() => {
      isOver = true;
    });
    stream.write('a');
    await nextTurn();
    stream.on('error', () => {}).destroy(new Error('broke'));
    await nextTurn();
    assert.equal(isOver, false);
    if (how === 'resolve') taken.resolve();
    else taken.reject(new Error('not taken'));
    await assert.rejects(over, wanted);
  }
});

test('what cannot be taken at the end is thrown, too', async () => {
  const stream = Readable.from([Buffer.from('a')]);
  const taken = Promise.withResolvers<void>();
  const over = eachChunk(stream, () => taken.promise);
  await nextTurn();
  taken.reject(new Error('not taken'));
  await assert.rejects(over, /not taken/);
});

test('a stream that is closed before its end broke off', async () => {
  const before = new PassThrough().destroy();
  await nextTurn();
  await assert.rejects(chunksOf(before), /broke off/);
  const meanwhile = new PassThrough();
  const over = chunksOf(meanwhile);
  meanwhile.destroy();
  await assert.rejects(over, /broke off/);
});

test('a stream that was left in the middle is whole from there on, and hears of nobody', async () => {
  for (const take of [
    () => Promise.reject(new Error('enough')),
    () => {
      throw new Error('enough');
    },
  ]) {
    const stream = Readable.from([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')]);
    await assert.rejects(eachChunk(stream, take), /enough/);
    assert.equal(stream.destroyed, false);
    assert.equal(stream.listenerCount('data'), 0);
    assert.equal(String(await buffer(stream)), 'bc');
  }
});

test('a stream that was read to its end before has no chunks', async () => {
  const stream = Readable.from([]);
  await buffer(stream);
  assert.deepEqual(await chunksOf(stream), []);
});
