import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { StubStore } from '../../test/rig/stub-store.ts';
import { VelocityError } from '../base/errors.ts';
import { CircuitBreakerStore } from './circuit-breaker-store.ts';
import { parseObjectKey } from './object-key.ts';

const KEY = parseObjectKey('objects/abc');
const UNWELL = new VelocityError('STORAGE_UNAVAILABLE', 'unwell');

class Rig {
  readonly below = new StubStore();
  readonly clock = new ManualClock();
  readonly states: string[] = [];
  /** Calls that reached the backend. */
  asked = 0;
  readonly store = new CircuitBreakerStore(this.below, {
    failures: 3,
    openMs: 5_000,
    clock: this.clock,
    onChange: (state) => this.states.push(state),
  });

  constructor() {
    this.below.during = () => void this.asked++;
  }

  async fail(times: number): Promise<void> {
    this.below.failure = UNWELL;
    for (let i = 0; i < times; i++) await assert.rejects(this.store.head(KEY), UNWELL);
  }
}

test('after so many failures in a row the backend is not asked, and the caller hears at once', async () => {
  const rig = new Rig();
  await rig.fail(3);
  assert.deepEqual(rig.states, ['open']);
  await assert.rejects(rig.store.get(KEY), { code: 'STORAGE_UNAVAILABLE', message: /left alone/ });
  await assert.rejects(rig.store.put(KEY, Buffer.alloc(0), { ifAbsent: true }), /left alone/);
  assert.equal(rig.asked, 3);
});

test('an answer in between starts the count anew, and a refusal is an answer', async () => {
  const rig = new Rig();
  await rig.fail(2);
  rig.below.failure = undefined;
  await rig.store.head(KEY);
  await rig.fail(2);
  rig.below.failure = new VelocityError('STORAGE_FAILED', 'forbidden');
  await assert.rejects(rig.store.head(KEY), /forbidden/);
  assert.deepEqual(rig.states, []);
});

test('after a while one call tries; those beside it do not', async () => {
  const rig = new Rig();
  await rig.fail(3);
  rig.clock.advance(5_000);
  const tries = await Promise.allSettled([rig.store.head(KEY), rig.store.head(KEY), rig.store.head(KEY)]);
  assert.equal(rig.asked, 4);
  assert.ok(tries.every(({ status }) => status === 'rejected'));
  await assert.rejects(rig.store.head(KEY), /left alone/);
});

test('an answer closes the circuit', async () => {
  const rig = new Rig();
  await rig.fail(3);
  rig.below.failure = undefined;
  rig.clock.advance(5_000);
  await rig.store.head(KEY);
  await rig.store.head(KEY);
  assert.deepEqual(rig.states, ['open', 'closed']);
});

test('a probe always goes through, and a good one closes the circuit', async () => {
  const rig = new Rig();
  await rig.fail(3);
  await assert.rejects(rig.store.probe(), UNWELL);
  rig.below.failure = undefined;
  await rig.store.probe();
  assert.deepEqual(rig.states, ['open', 'closed']);
});
