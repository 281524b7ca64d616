import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { Outage } from './outage.ts';

function open() {
  const clock = new ManualClock();
  const told: string[] = [];
  const outage = new Outage({ clock, onBegin: (why) => told.push(why), onEnd: () => told.push('back') });
  return { clock, told, outage };
}

test('after a wait in vain nobody asks for a while, then one tries', () => {
  const { clock, outage } = open();
  outage.failed('slow', 'time');
  assert.equal(outage.mayAsk(), false);
  clock.advance(10_000);
  assert.deepEqual([outage.mayAsk(), outage.mayAsk()], [true, false]);
  outage.succeeded();
  assert.deepEqual([outage.mayAsk(), outage.mayAsk()], [true, true]);
});

test('failures that cost nothing end the asking only where five come in a row', () => {
  const { outage } = open();
  for (let failure = 1; failure <= 4; failure++) outage.failed('503', 'nothing');
  assert.equal(outage.mayAsk(), true);
  outage.succeeded();
  for (let failure = 1; failure <= 4; failure++) outage.failed('503', 'nothing');
  assert.equal(outage.mayAsk(), true);
  outage.failed('503', 'nothing');
  assert.equal(outage.mayAsk(), false);
});

test('trouble is told once, and its end once', () => {
  const { clock, told, outage } = open();
  outage.failed('503', 'nothing');
  outage.succeeded();
  outage.failed('slow', 'time');
  outage.failed('slow', 'time');
  clock.advance(10_000);
  assert.ok(outage.mayAsk());
  outage.succeeded();
  outage.succeeded();
  outage.failed('again', 'time');
  assert.deepEqual(told, ['503', 'back', 'again']);
});
