import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BatchWriter } from './batch-writer.ts';

const HALF = 512 * 1024;

/** A file whose writes end when the test says so. */
function slowFile(): {
  readonly written: number[];
  readonly finish: (error?: Error) => void;
  readonly calls: { write(file: number, chunks: readonly Uint8Array[]): Promise<void> };
} {
  const written: number[] = [];
  const open: PromiseWithResolvers<void>[] = [];
  return {
    written,
    finish: (error) => (error ? open.shift()?.reject(error) : open.shift()?.resolve()),
    calls: {
      write: (_file, chunks) => {
        written.push(chunks.reduce((sum, { length }) => sum + length, 0));
        const done = Promise.withResolvers<void>();
        open.push(done);
        return done.promise;
      },
    },
  };
}

function writerTo({ calls }: ReturnType<typeof slowFile>, ownsChunks = false) {
  const told: number[] = [];
  const onWritten = (sizeBytes: number): void => void told.push(sizeBytes);
  return { told, writer: new BatchWriter({ descriptor: 1, calls, ownsChunks, onWritten }) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a batch writer', () => {
  test('gathers the next batch while one is written, and has whoever adds more wait for it', async () => {
    const file = slowFile();
    const { writer, told } = writerTo(file);
    assert.equal(writer.add(new Uint8Array(HALF)), undefined);
    assert.equal(writer.add(new Uint8Array(HALF)), undefined);
    await turn();
    assert.deepEqual(file.written, [2 * HALF]);
    assert.equal(writer.add(new Uint8Array(HALF)), undefined);
    let mayGoOn = false;
    const wait = writer.add(new Uint8Array(HALF))?.then(() => {
      mayGoOn = true;
    });
    await turn();
    assert.deepEqual([file.written.length, mayGoOn], [1, false]);
    file.finish();
    await wait;
    await turn();
    assert.deepEqual([file.written, told], [[2 * HALF, 2 * HALF], [2 * HALF]]);
    const ended = writer.end();
    file.finish();
    await ended;
    assert.deepEqual([told, writer.sizeBytes], [[2 * HALF, 4 * HALF], 4 * HALF]);
  });

  test('writes chunks of a few bytes by the thousand', async () => {
    const file = slowFile();
    const { writer } = writerTo(file);
    for (let n = 0; n < 1024; n++) writer.add(new Uint8Array(1));
    await turn();
    assert.deepEqual(file.written, [1024]);
  });

  test('has a small body whole, and none of which a batch was written', () => {
    const { writer } = writerTo(slowFile());
    writer.add(Buffer.from('ab'));
    writer.add(Buffer.from('c'));
    assert.equal(Buffer.from(writer.whole ?? []).toString(), 'abc');
    writer.add(new Uint8Array(2 * HALF));
    assert.equal(writer.whole, undefined);
  });

  test('gives chunks back once they are written, where they are its own', async () => {
    const file = slowFile();
    const { writer } = writerTo(file, true);
    const chunk = new Uint8Array(2 * HALF);
    writer.add(chunk);
    const ended = writer.end();
    await turn();
    assert.equal(chunk.length, 2 * HALF);
    file.finish();
    await ended;
    assert.equal(chunk.length, 0);
  });

  test('tells who adds more that a batch could not be written, and writes nothing after it', async () => {
    const file = slowFile();
    const { writer, told } = writerTo(file);
    writer.add(new Uint8Array(2 * HALF));
    const wait = writer.add(new Uint8Array(2 * HALF));
    await turn();
    file.finish(new Error('no space'));
    await assert.rejects(async () => wait, /no space/);
    await assert.rejects(() => writer.end(), /no space/);
    await writer.settled();
    assert.deepEqual([file.written, told], [[2 * HALF], []]);
  });

  test('is not settled while anything is being written', async () => {
    const file = slowFile();
    const { writer } = writerTo(file);
    await writer.settled();
    writer.add(new Uint8Array(2 * HALF));
    let isSettled = false;
    const settled = writer.settled().then(() => {
      isSettled = true;
    });
    await turn();
    assert.equal(isSettled, false);
    file.finish(new Error('no space'));
    await settled;
  });

  test('writes an empty body as one', async () => {
    const file = slowFile();
    const { writer, told } = writerTo(file);
    assert.equal(writer.whole?.length, 0);
    const ended = writer.end();
    await turn();
    file.finish();
    await ended;
    assert.deepEqual(told, [0]);
  });
});
