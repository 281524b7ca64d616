import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitedFlights } from './waited-flights.ts';

class Brought {
  isDisposed = false;

  [Symbol.dispose](): void {
    this.isDisposed = true;
  }
}

function openFlights() {
  const flights = new WaitedFlights<Brought>();
  const departures: {
    land: (brought: Brought) => void;
    fail: (error: Error) => void;
    signal: AbortSignal;
  }[] = [];
  const run = <R>(take: (brought: Brought) => R | Promise<R>, signal = new AbortController().signal) =>
    flights.run(
      'key',
      (leaving) => {
        const { promise, resolve: land, reject: fail } = Promise.withResolvers<Brought>();
        departures.push({ land, fail, signal: leaving });
        return promise;
      },
      take,
      signal,
    );
  return { run, departures };
}

test('callers share a flight, and what it brought lasts until the last of them has taken', async () => {
  const { run, departures } = openFlights();
  const brought = new Brought();
  const slow = Promise.withResolvers<void>();
  const quick = run((one) => !one.isDisposed);
  const late = run(async (one) => {
    await slow.promise;
    return !one.isDisposed;
  });
  departures[0]?.land(brought);
  assert.equal(await quick, true);
  assert.equal(brought.isDisposed, false);
  slow.resolve();
  assert.equal(await late, true);
  await Promise.resolve();
  assert.deepEqual([brought.isDisposed, departures.length], [true, 1]);
});

test('a caller that leaves is told at once, and the flight goes on for the others', async () => {
  const { run, departures } = openFlights();
  const leaving = new AbortController();
  const left = assert.rejects(
    run(() => assert.fail(), leaving.signal),
    /gone/,
  );
  const stays = run(() => 'taken');
  leaving.abort(new Error('gone'));
  await left;
  assert.equal(departures[0]?.signal.aborted, false);
  departures[0]?.land(new Brought());
  assert.equal(await stays, 'taken');
});

test('when all have left the flight is aborted, what it brings all the same is disposed of, and the next caller gets another', async () => {
  const { run, departures } = openFlights();
  const leaving = new AbortController();
  const both = [run(() => assert.fail(), leaving.signal), run(() => assert.fail(), leaving.signal)];
  leaving.abort(new Error('gone'));
  for (const one of both) await assert.rejects(one, /gone/);
  assert.equal(departures[0]?.signal.aborted, true);

  const next = run(() => 'taken');
  assert.equal(departures.length, 2);
  const unwanted = new Brought();
  departures[0]?.land(unwanted);
  departures[1]?.land(new Brought());
  assert.equal(await next, 'taken');
  assert.equal(unwanted.isDisposed, true);
});

test('a failure is shared by those who wait and by nobody after them; who has left already never departs', async () => {
  const { run, departures } = openFlights();
  const both = [run(() => {}), run(() => {})];
  departures[0]?.fail(new Error('no'));
  for (const one of both) await assert.rejects(one, /no/);
  await assert.rejects(
    run(() => {}, AbortSignal.abort(new Error('gone'))),
    /gone/,
  );
  assert.equal(departures.length, 1);
});
