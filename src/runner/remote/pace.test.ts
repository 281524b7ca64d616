import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { LEAST_BYTES_PER_WINDOW, watchPace } from './pace.ts';

const TIMEOUT_MS = 4_000;
const STEP_MS = 1_000;
const RATE = 512 * 1024;

/** An exchange whose progress the test makes up. */
class Puppet {
  readonly clock = new ManualClock();
  movedBytes = 0;
  isAllSent = false;
  isHeldUp = false;
  told: string | undefined;
  readonly cancel: () => void;

  constructor(slowestBytesPerSecond = RATE) {
    this.cancel = watchPace(
      { timeoutMs: TIMEOUT_MS, slowestBytesPerSecond },
      {
        movedBytes: () => this.movedBytes,
        isAllSent: () => this.isAllSent,
        isHeldUp: () => this.isHeldUp,
      },
      this.clock,
      ({ message }) => {
        assert.equal(this.told, undefined, 'told once');
        this.told = message;
      },
    );
  }

  /** Lets steps pass in which so much moves each; gives the milliseconds until it was told. */
  pass(steps: number, bytesPerStep = 0): number | undefined {
    for (let step = 1; step <= steps; step++) {
      this.movedBytes += bytesPerStep;
      this.clock.advance(STEP_MS);
      if (this.told !== undefined) return step * STEP_MS;
    }
    return undefined;
  }
}

describe('a transfer', () => {
  test('on which nothing moves is ended after the timeout', () => {
    const exchange = new Puppet();
    assert.equal(exchange.pass(100), TIMEOUT_MS);
    assert.equal(exchange.told, 'no answer for 4000 ms');
  });

  test('that drips is ended after the timeout, however much is still to come', () => {
    const exchange = new Puppet();
    assert.equal(exchange.pass(100, 1), TIMEOUT_MS);
    assert.equal(exchange.told, 'only 4 bytes in 4000 ms');
  });

  test('that moved much and then drips is ended one window later', () => {
    const exchange = new Puppet();
    assert.equal(exchange.pass(10, 100 * RATE), undefined);
    assert.equal(exchange.pass(100, 1), TIMEOUT_MS);
  });

  test('that moves on at least is not ended for standing still, but for being too slow on the whole', () => {
    const exchange = new Puppet();
    const ended = exchange.pass(100, LEAST_BYTES_PER_WINDOW / 4);
    assert.ok(ended !== undefined && ended > TIMEOUT_MS && ended < 2 * TIMEOUT_MS, `after ${ended} ms`);
    assert.match(exchange.told ?? '', /^not done after \d+ ms$/);
  });

  test('at the slowest rate allowed may take for ever', () => {
    assert.equal(new Puppet().pass(10_000, RATE), undefined);
  });

  test('with a gap shorter than the timeout goes on', () => {
    const exchange = new Puppet();
    exchange.pass(10, 4 * RATE);
    assert.equal(exchange.pass(3), undefined);
    assert.equal(exchange.pass(10, 4 * RATE), undefined);
  });

  test('whose receiver does not keep up is not blamed', () => {
    const exchange = new Puppet();
    exchange.pass(10, RATE);
    exchange.isHeldUp = true;
    assert.equal(exchange.pass(100), undefined);
    exchange.isHeldUp = false;
    assert.equal(exchange.pass(100), TIMEOUT_MS);
  });

  test('is not blamed for time in which this process looked at nothing', () => {
    const exchange = new Puppet();
    exchange.clock.advance(100 * TIMEOUT_MS);
    assert.equal(exchange.told, undefined);
  });

  test('that is sent whole is waited for as long as what was sent earns it', () => {
    const exchange = new Puppet();
    exchange.pass(1, 6 * RATE);
    exchange.isAllSent = true;
    assert.equal(exchange.pass(100), TIMEOUT_MS + 6_000 - STEP_MS);
  });
});

test('a message must be answered within the timeout, whatever moves', () => {
  const exchange = new Puppet(Number.POSITIVE_INFINITY);
  assert.equal(exchange.pass(100, 100 * RATE), TIMEOUT_MS);
  assert.equal(exchange.told, 'not done after 4000 ms');
});

test('what has ended is watched no longer', () => {
  const exchange = new Puppet();
  exchange.pass(2);
  exchange.cancel();
  assert.equal(exchange.pass(100), undefined);
});
