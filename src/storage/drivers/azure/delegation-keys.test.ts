import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { type AskForKey, DelegationKeys } from './delegation-keys.ts';

const HOUR_MS = 3_600_000;

/** Gives keys as they are asked for, and remembers what was asked. */
function keyGiver() {
  const asked: { startsOn: number; expiresOn: number }[] = [];
  const ask: AskForKey = async (signedStartsOn, signedExpiresOn) => {
    asked.push({ startsOn: signedStartsOn.getTime(), expiresOn: signedExpiresOn.getTime() });
    const signer = {
      signedObjectId: 'object',
      signedTenantId: 'tenant',
      signedService: 'b',
      signedVersion: '1',
    };
    return { ...signer, signedStartsOn, signedExpiresOn, value: `key-${asked.length}` };
  };
  return { asked, ask };
}

test('one key serves many URLs, also those that ask in the same instant', async () => {
  const [giver, clock] = [keyGiver(), new ManualClock()];
  const keys = new DelegationKeys('account', giver.ask, clock);
  const soon = clock.now() + HOUR_MS;
  await Promise.all(Array.from({ length: 20 }, () => keys.goodUntil(soon)));
  clock.advance(23 * HOUR_MS);
  assert.equal((await keys.goodUntil(clock.now() + HOUR_MS)).value, 'key-1');
  assert.equal(giver.asked.length, 1);
});

test('a key that would expire before the URL is replaced in time', async () => {
  const [giver, clock] = [keyGiver(), new ManualClock()];
  const keys = new DelegationKeys('account', giver.ask, clock);
  await keys.goodUntil(clock.now() + HOUR_MS);
  clock.advance(24 * HOUR_MS + 1);
  const instant = clock.now() + HOUR_MS;
  const key = await keys.goodUntil(instant);
  assert.equal(key.value, 'key-2');
  assert.ok(key.signedExpiresOn.getTime() >= instant);
});

test('a key begins before now, for clocks that are apart, and ends within the seven days Azure allows', async () => {
  const [giver, clock] = [keyGiver(), new ManualClock()];
  await new DelegationKeys('account', giver.ask, clock).goodUntil(clock.now() + 5 * 24 * HOUR_MS);
  const [asked] = giver.asked;
  assert.ok(asked && asked.startsOn < clock.now());
  assert.ok(asked.expiresOn < clock.now() + 7 * 24 * HOUR_MS);
});

test('a failure is told in our words and the next URL asks again', async () => {
  const clock = new ManualClock();
  const giver = keyGiver();
  let fails = true;
  const ask: AskForKey = (...terms) => {
    if (fails) throw Object.assign(new Error('sig=secret'), { code: 'ECONNRESET' });
    return giver.ask(...terms);
  };
  const keys = new DelegationKeys('account', ask, clock);
  await assert.rejects(keys.goodUntil(clock.now()), {
    code: 'STORAGE_UNAVAILABLE',
    message: 'Could not get a key for signing URLs: Azure cannot be reached (ECONNRESET).',
  });
  fails = false;
  assert.equal((await keys.goodUntil(clock.now())).value, 'key-1');
});
