import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CacheUri } from '../../../http-cache/cache-uri.ts';
import { type Departure, type Purged, PurgedInFlight } from './purged-in-flight.ts';

const A = 'http://example/a' as CacheUri;
const B = 'http://example/b' as CacheUri;
const NONE: ReadonlySet<string> = new Set();

function land(
  flights: PurgedInFlight,
  departure: Departure,
  uri: CacheUri,
  tags: ReadonlySet<string>,
): boolean {
  const isPurged = flights.isPurged(departure, uri, tags);
  flights.land(departure);
  return isPurged;
}

test('what was purged after a request left is not stored when it comes back', () => {
  const flights = new PurgedInFlight();
  const [one, other, tagged] = [flights.depart(), flights.depart(), flights.depart()];
  flights.note({ uri: A });
  flights.note({ tags: new Set(['x', 'y']) });
  assert.equal(land(flights, one, A, NONE), true);
  assert.equal(land(flights, other, B, new Set(['z'])), false);
  assert.equal(land(flights, tagged, B, new Set(['z', 'y'])), true);
});

test('what was purged before a request left is nothing to it', () => {
  const flights = new PurgedInFlight();
  const before = flights.depart();
  flights.note({ uri: A });
  const after = flights.depart();
  assert.equal(land(flights, after, A, NONE), false);
  assert.equal(land(flights, before, A, NONE), true);
});

test('while the answer is not there, it may have any tag', () => {
  const flights = new PurgedInFlight();
  const departure = flights.depart();
  flights.note({ uri: B });
  assert.equal(flights.isPurged(departure, A, undefined), false);
  flights.note({ tags: new Set(['x']) });
  assert.equal(flights.isPurged(departure, A, undefined), true);
  assert.equal(flights.isPurged(departure, A, NONE), false);
});

test('a purge of all is one of everything on its way', () => {
  const flights = new PurgedInFlight();
  const before = flights.depart();
  flights.note('all');
  flights.note({ uri: A });
  assert.equal(land(flights, before, B, NONE), true);
});

test('more purges than are remembered count for whatever was on its way, and for nothing later', () => {
  const flights = new PurgedInFlight();
  const before = flights.depart();
  for (let count = 0; count <= 1_000; count++) flights.note({ uri: A });
  const after = flights.depart();
  assert.equal(land(flights, before, B, NONE), true);
  assert.equal(land(flights, after, B, NONE), false);
});

test('whatever comes between, a response is stored where nothing of it was purged on its way', () => {
  const steps = fc.array(
    fc.oneof(
      fc.constant('depart' as const),
      fc.constantFrom<Purged>({ uri: A }, { uri: B }, { tags: new Set(['x']) }, 'all'),
      fc.nat(5),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const flights = new PurgedInFlight();
      const under: { departure: Departure; mustNot: boolean }[] = [];
      for (const step of all) {
        if (step === 'depart') under.push({ departure: flights.depart(), mustNot: false });
        else if (typeof step === 'number') {
          const [landed] = under.splice(step, 1);
          if (!landed) continue;
          const isPurged = land(flights, landed.departure, A, new Set(['x']));
          assert.equal(isPurged, landed.mustNot);
        } else {
          flights.note(step);
          const isAbout = step === 'all' || 'tags' in step || step.uri === A;
          for (const each of under) each.mustNot ||= isAbout;
        }
      }
    }),
    { numRuns: 500 },
  );
});
