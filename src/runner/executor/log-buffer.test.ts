import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LogBuffer } from './log-buffer.ts';

const LIMIT_BYTES = 8 * 1024 * 1024;
const END = '\n[velocity: the log was longer and ends here in the cache]\n';

describe('LogBuffer', () => {
  test('what was printed is read as it came', () => {
    const log = new LogBuffer();
    for (const text of ['one\n', '', 'tw', 'o\n']) log.add(Buffer.from(text));
    assert.equal(log.read().toString(), 'one\ntwo\n');
  });

  test('nothing printed reads as nothing', () => {
    assert.equal(new LogBuffer().read().length, 0);
  });

  test('a log up to the limit is whole', () => {
    const log = new LogBuffer();
    log.add(Buffer.alloc(LIMIT_BYTES - 1));
    log.add(Buffer.from('x'));
    assert.deepEqual([log.isTruncated, log.read().length], [false, LIMIT_BYTES]);
  });

  test('a longer one keeps its beginning and says so', () => {
    const log = new LogBuffer();
    log.add(Buffer.alloc(LIMIT_BYTES - 2, 'a'));
    log.add(Buffer.from('bcde'));
    assert.equal(log.isTruncated, true);
    assert.equal(log.read().toString('utf8', LIMIT_BYTES - 3), `abc${END}`);
  });

  test('what comes after the limit is not kept', () => {
    const log = new LogBuffer();
    for (let count = 0; count < 3; count++) log.add(Buffer.alloc(LIMIT_BYTES));
    assert.equal(log.read().length, LIMIT_BYTES + END.length);
  });

  test('it may be read and then go on', () => {
    const log = new LogBuffer();
    log.add(Buffer.from('a'));
    log.read();
    log.add(Buffer.from('b'));
    assert.equal(log.read().toString(), 'ab');
  });
});
