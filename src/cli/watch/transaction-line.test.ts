import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { transaction } from '../../../test/rig/transactions.ts';
import { openPalette } from '../reporters/palette.ts';
import { formatLatency } from './format-latency.ts';
import { transactionLine } from './transaction-line.ts';

const PLAIN = openPalette(new CapturedIo());

test('a transaction is a line', () => {
  const hit = transaction({ target: '/a?b=1', detail: 'VelocityCache; hit' });
  assert.equal(
    transactionLine(hit, PLAIN),
    '2026-01-01T00:00:00.000Z  hit          200      GET  example.com/a?b=1  1000 B  400 µs  192.0.2.1  VelocityCache; hit',
  );
  const miss = transaction({
    outcome: 'miss',
    status: 'aborted',
    backend: 'app',
    backendMs: 12.34,
    totalMs: 40,
  });
  assert.equal(
    transactionLine(miss, PLAIN),
    '2026-01-01T00:00:00.000Z  miss         aborted  GET  example.com/  1000 B  40 ms  app 12 ms  192.0.2.1',
  );
  const failed = transaction({ outcome: 'failed', status: 502, backend: 'app', target: 'http://else/' });
  assert.match(transactionLine(failed, PLAIN), /failed {7}502 {6}GET {2}http:\/\/else\/ .* app - /);
});

test('what a client made up does not reach the terminal as anything but text', () => {
  const evil = '\x1b]0;title\x07\r\n\u009b2J\u202e';
  const { method, host, target, detail } = { method: evil, host: evil, target: `/${evil}`, detail: evil };
  const line = transactionLine(
    transaction({ method, host, target, detail, backend: evil, client: evil }),
    PLAIN,
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u202e]/);
  assert.match(line, /\\u001b\]0;title\\u0007\\u000d\\u000a\\u009b2J\\u202e/);
});

test('times are told in the unit that fits', () => {
  const times = [0, 0.0123, 0.9994, 0.9996, 9.94, 9.96, 85, 14_300];
  assert.deepEqual(times.map(formatLatency), [
    ...['0 µs', '12 µs', '999 µs', '1.0 ms', '9.9 ms', '10 ms', '85 ms'],
    '14.3 s',
  ]);
});
