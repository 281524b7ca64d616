import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { Throughput } from './throughput.ts';

test('it tells the average of the last whole seconds, and not of the one under way', () => {
  const clock = new ManualClock(0);
  const throughput = new Throughput(clock);
  throughput.add(1000);
  assert.equal(throughput.perSecond(10), 0);
  clock.advance(1000);
  throughput.add(500);
  assert.equal(throughput.perSecond(10), 100);
  clock.advance(1000);
  assert.deepEqual([throughput.perSecond(10), throughput.perSecond(1)], [150, 500]);
});

test('what is longer ago is no part of it, also after a long silence', () => {
  const clock = new ManualClock(0);
  const throughput = new Throughput(clock);
  throughput.add(1000);
  clock.advance(11_000);
  assert.deepEqual([throughput.perSecond(10), throughput.perSecond(59)], [0, 1000 / 59]);
  clock.advance(3600_000);
  assert.equal(throughput.perSecond(59), 0);
  throughput.add(590);
  clock.advance(1000);
  assert.equal(throughput.perSecond(59), 10);
});
