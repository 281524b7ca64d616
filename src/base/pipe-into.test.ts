import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable, Transform, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { pipeInto } from './pipe-into.ts';

function refusing(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done(new Error('refused')) });
}

test('all of the source arrives, and the target ends', async () => {
  assert.equal(await text(pipeInto(Readable.from(['all ', 'of ', 'it']), new PassThrough())), 'all of it');
});

test('a source without bytes ends the target', async () => {
  assert.equal(await text(pipeInto(Readable.from([]), new PassThrough())), '');
});

test('a target that fails leaves the source open and the rest of it to be read', async () => {
  const source = new PassThrough();
  const target = pipeInto(source, refusing());
  source.write('refused');
  await assert.rejects(once(target, 'close'), { message: 'refused' });
  assert.equal(source.destroyed, false);
  source.end('the rest');
  assert.equal(await text(source), 'the rest');
});

test('a source that fails fails the target with its error', async () => {
  const source = new PassThrough();
  const target = pipeInto(source, new PassThrough());
  const arriving = text(target);
  source.write('begun');
  source.destroy(new Error('the source failed'));
  await assert.rejects(arriving, { message: 'the source failed' });
});

test('a source that breaks off without an error fails the target', async () => {
  const source = new PassThrough();
  const target = pipeInto(source, new PassThrough());
  const arriving = text(target);
  source.write('begun');
  source.destroy();
  await assert.rejects(arriving, { message: 'the body broke off' });
});

test('a source that broke off before it was piped fails the target, which would wait for ever', async () => {
  const source = new PassThrough();
  source.destroy();
  await once(source, 'close');
  await assert.rejects(text(pipeInto(source, new PassThrough())), { message: 'the body broke off' });
});

test('a target that changes the bytes may end later than the source', async () => {
  const held: string[] = [];
  const target = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      held.push(chunk.toString());
      done();
    },
    flush: (done) => done(null, held.toReversed().join('')),
  });
  assert.equal(await text(pipeInto(Readable.from(['a', 'b', 'c']), target)), 'cba');
});

test('a source that fails before anybody reads the target ends nothing, and the reader hears of it', async () => {
  const source = new PassThrough();
  const target = pipeInto(source, new PassThrough());
  source.destroy(new Error('the source failed'));
  await new Promise((closed) => target.once('close', closed));
  assert.equal(target.errored?.message, 'the source failed');
  await assert.rejects(text(target));
});
