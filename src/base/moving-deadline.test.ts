import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { MovingDeadline } from './moving-deadline.ts';

test('a deadline is missed once, when it is due', () => {
  const { clock, deadline, missed } = open();
  deadline.moveTo(100);
  clock.advance(99);
  assert.equal(missed(), 0);
  clock.advance(1);
  clock.advance(1_000);
  assert.equal(missed(), 1);
});

test('one that is moved is missed where it was moved to, later or sooner', () => {
  const { clock, deadline, missed } = open();
  deadline.moveTo(100);
  clock.advance(50);
  deadline.moveTo(100);
  clock.advance(99);
  assert.equal(missed(), 0);
  clock.advance(1);
  assert.equal(missed(), 1);
  deadline.moveTo(1_000);
  deadline.moveTo(10);
  clock.advance(10);
  assert.equal(missed(), 2);
});

test('one that is lifted is not missed, and can be moved again', () => {
  const { clock, deadline, missed } = open();
  deadline.moveTo(100);
  deadline.lift();
  clock.advance(100);
  assert.equal(missed(), 0);
  deadline.moveTo(10);
  deadline.lift();
  deadline.moveTo(30);
  clock.advance(10);
  assert.equal(missed(), 0);
  clock.advance(20);
  assert.equal(missed(), 1);
});

test('one that is stopped leaves no timer behind', () => {
  const { clock, deadline, missed } = open();
  deadline.moveTo(100);
  deadline.stop();
  assert.equal(clock.isWaitedFor(100), false);
  deadline.moveTo(100);
  clock.advance(100);
  assert.equal(missed(), 1);
});

test('moving it on sets no new timer', () => {
  const { clock, deadline } = open();
  deadline.moveTo(100);
  clock.advance(50);
  deadline.moveTo(100);
  assert.equal(clock.isWaitedFor(50), true);
  assert.equal(clock.isWaitedFor(100), false);
});

function open(): { clock: ManualClock; deadline: MovingDeadline; missed: () => number } {
  const clock = new ManualClock();
  let count = 0;
  const deadline = new MovingDeadline(clock, () => {
    count++;
  });
  return { clock, deadline, missed: () => count };
}
