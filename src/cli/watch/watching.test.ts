import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { AdminClient } from '../admin/admin-client.ts';
import { showLive } from './watching.ts';

function terminal(size: { columns?: number; rows?: number } = {}): CapturedIo {
  const io = new CapturedIo();
  Object.assign(io.stdout, { isTTY: true, ...size });
  return io;
}

/** So many seconds, then Ctrl-C. */
function seconds(count: number) {
  const ending = new AbortController();
  let left = count;
  const second = async (): Promise<void> => {
    if (--left === 0) ending.abort();
  };
  return { signal: ending.signal, second, client: new AdminClient('/nowhere', ending.signal) };
}

describe('what is shown live', () => {
  test('takes the place of what was shown before, and of nothing above it', async () => {
    const io = terminal();
    const shown = [['a', 'b'], ['c'], ['d']];
    await showLive(seconds(3), { once: false, io }, () => shown.shift() ?? []);
    assert.equal(io.stdout.text, 'a\nb\n\x1b[2A\x1b[0Jc\n\x1b[1A\x1b[0Jd\n');
  });

  test('is cut to the terminal, for what breaks could not be replaced', async () => {
    const io = terminal({ columns: 5, rows: 3 });
    await showLive(seconds(1), { once: false, io }, () => ['12345', '1234', '3', '4']);
    assert.equal(io.stdout.text, '1234\n1234\n');
  });

  test('is shown of some size where a terminal does not know its own', async () => {
    const io = terminal({ columns: 0, rows: 0 });
    await showLive(seconds(1), { once: false, io }, () => ['12345', '6']);
    assert.equal(io.stdout.text, '12345\n6\n');
  });

  test('is shown once, and whole, where there is no terminal or once is asked for', async () => {
    const long = 'x'.repeat(500);
    const piped = new CapturedIo();
    await showLive(seconds(9), { once: false, io: piped }, () => [long]);
    assert.equal(piped.stdout.text, `${long}\n`);
    const once = terminal();
    await showLive(seconds(9), { once: true, io: once }, async () => ['a']);
    assert.equal(once.stdout.text, 'a\n');
  });
});
