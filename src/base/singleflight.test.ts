import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Singleflight } from './singleflight.ts';

test('callers that arrive during a flight share its result', async () => {
  const flights = new Singleflight<number>();
  const { promise: landed, resolve: land } = Promise.withResolvers<number>();
  let departures = 0;
  const fly = (): Promise<number> => {
    departures++;
    return landed;
  };

  const both = Promise.all([flights.run('key', fly), flights.run('key', fly)]);
  land(42);

  assert.deepEqual(await both, [42, 42]);
  assert.equal(departures, 1);
});

test('different keys fly apart', async () => {
  const flights = new Singleflight<string>();
  assert.deepEqual(
    await Promise.all([flights.run('a', async () => 'A'), flights.run('b', async () => 'B')]),
    ['A', 'B'],
  );
});

test('a flight that landed is forgotten', async () => {
  const flights = new Singleflight<number>();
  assert.equal(await flights.run('key', async () => 1), 1);
  assert.equal(await flights.run('key', async () => 2), 2);
});

test('a failure is shared by those who wait and by nobody after them', async () => {
  const flights = new Singleflight<number>();
  const { promise: landed, reject: crash } = Promise.withResolvers<number>();
  const waiting = [flights.run('key', () => landed), flights.run('key', () => landed)];
  crash(new Error('crashed'));
  for (const caller of waiting) await assert.rejects(caller, { message: 'crashed' });
  assert.equal(await flights.run('key', async () => 7), 7);
});

test('a flight that throws before it departs is a failure like any other', async () => {
  const flights = new Singleflight<number>();
  const failing = flights.run('key', () => {
    throw new Error('never departed');
  });
  await assert.rejects(failing, { message: 'never departed' });
  assert.equal(await flights.run('key', async () => 7), 7);
});
