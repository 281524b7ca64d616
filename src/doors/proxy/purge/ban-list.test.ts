import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import type { CacheUri } from '../../../http-cache/cache-uri.ts';
import { parseBanExpression } from './ban-expression.ts';
import { BanList } from './ban-list.ts';
import type { StoredSubject } from './stored-subject.ts';

function open(maxBans = 10) {
  const clock = new ManualClock();
  const bans = new BanList({ clock, maxBans });
  return {
    clock,
    bans,
    ban: (text: string) => bans.add(parseBanExpression(text)),
    stored: (path: string, status = 200): StoredSubject => ({
      uri: `http://example${path}` as CacheUri,
      status,
      fields: [],
      storedAt: clock.now(),
    }),
    expressions: () => bans.all().map(({ expression }) => expression),
  };
}

test('a ban is about what was asked for before it, and not about what was asked for after it', () => {
  const { bans, ban, stored } = open();
  const before = bans.newest;
  ban('req.url ~ "/blog/*"');
  assert.equal(bans.isBanned(stored('/blog/a'), before), true);
  assert.equal(bans.isBanned(stored('/shop'), before), false);
  assert.equal(bans.isBanned(stored('/blog/a'), bans.newest), false);
});

test('what came back after a ban but was asked for before it is banned', () => {
  const { clock, bans, ban, stored } = open();
  const asked = bans.newest;
  ban('req.url == "/a"');
  clock.advance(5_000);
  assert.equal(bans.isBanned(stored('/a'), asked), true);
});

test('a response is tested against each ban once', () => {
  const { bans, ban, stored } = open();
  const first = bans.newest;
  ban('obj.status == 404');
  const second = bans.newest;
  ban('obj.status == 500');
  assert.equal(bans.untested(first), 2);
  assert.equal(bans.untested(second), 1);
  assert.equal(bans.isBanned(stored('/a', 404), second), false, 'it was tested against the first');
  assert.equal(bans.isBanned(stored('/a', 500), second), true);
});

test('the list tells when each ban was made and how much it was about', () => {
  const { clock, bans, ban, stored } = open();
  const cursor = bans.newest;
  const madeAt = clock.now();
  assert.deepEqual(ban('obj.status  ==  404'), { expression: 'obj.status == 404', madeAt, banned: 0 });
  clock.advance(10);
  ban('req.url ~ "*"');
  bans.isBanned(stored('/a', 404), cursor);
  bans.isBanned(stored('/b'), cursor);
  assert.deepEqual(bans.all(), [
    { expression: 'obj.status == 404', madeAt, banned: 0 },
    { expression: 'req.url ~ "*"', madeAt: madeAt + 10, banned: 2 },
  ]);
});

test('an equal ban takes the place of the one before it, and is about all that came before itself', () => {
  const { bans, ban, stored, expressions } = open();
  const oldest = bans.newest;
  ban('req.url == "/a"');
  const between = bans.newest;
  ban('obj.status == 500');
  ban('req.url  ==  "/a"');
  assert.deepEqual(expressions(), ['obj.status == 500', 'req.url == "/a"']);
  for (const cursor of [oldest, between]) assert.equal(bans.isBanned(stored('/a'), cursor), true);
});

test('an age is that at the time of the ban, whenever the response is looked up', () => {
  const { clock, bans, ban, stored } = open();
  const cursor = bans.newest;
  const [old, young] = [stored('/old'), stored('/young')].map((subject, index) => ({
    ...subject,
    storedAt: clock.now() - (index === 0 ? 7_200_000 : 60_000),
  })) as [StoredSubject, StoredSubject];
  ban('obj.age > 1h');
  clock.advance(24 * 3600_000);
  assert.equal(bans.isBanned(old, cursor), true);
  assert.equal(bans.isBanned(young, cursor), false);
});

test('a ban of what is young is not replaced by a later one, which is about something else', () => {
  const { clock, bans, ban, stored, expressions } = open();
  const cursor = bans.newest;
  const subject = stored('/a');
  ban('obj.age < 1m');
  clock.advance(3600_000);
  ban('obj.age < 1m');
  assert.equal(expressions().length, 2);
  assert.equal(bans.isBanned(subject, cursor), true);
});

test('a clock that is set back makes no ban older than the one before it', () => {
  const { clock, bans, ban } = open();
  ban('obj.age > 1h');
  clock.advance(-3600_000);
  ban('obj.age > 1h');
  assert.deepEqual(
    bans.all().map(({ madeAt }) => madeAt),
    [clock.now() + 3600_000],
  );
});

test('an equal ban made while the others are dropped stays, for what was not tested against it', () => {
  const { bans, ban, stored, expressions } = open();
  const oldest = bans.newest;
  ban('req.url == "/b"');
  const between = bans.newest;
  ban('req.url == "/a"');
  const upTo = bans.newest;
  ban('req.url == "/a"');
  assert.equal(bans.dropUpTo(upTo), 1);
  assert.deepEqual(expressions(), ['req.url == "/a"']);
  assert.equal(bans.isBanned(stored('/a'), between), true);
  assert.equal(bans.isBanned(stored('/c'), between), false);
  assert.equal(bans.isBanned(stored('/c'), oldest), true);
});

test('what was not tested against a ban that was dropped counts as banned', () => {
  const { bans, ban, stored } = open();
  const oldest = bans.newest;
  ban('req.url == "/a"');
  const dropped = bans.newest;
  ban('req.url == "/b"');
  assert.equal(bans.dropUpTo(dropped), 1);
  assert.equal(bans.isBanned(stored('/unlike'), oldest), true);
  assert.equal(bans.isBanned(stored('/unlike'), dropped), false);
  assert.equal(bans.isBanned(stored('/b'), dropped), true);
});

test('where nothing was dropped, nothing is taken for banned', () => {
  const { bans, ban, stored } = open();
  const oldest = bans.newest;
  assert.equal(bans.dropUpTo(bans.newest), 0);
  ban('req.url == "/a"');
  assert.equal(bans.dropUpTo(oldest), 0);
  assert.equal(bans.isBanned(stored('/b'), oldest), false);
  assert.equal(bans.isBanned(stored('/a'), oldest), true);
});

test('a list that is full asks to be swept, and refuses more than twice that, forgetting none', () => {
  const { bans, ban, stored, expressions } = open(2);
  const oldest = bans.newest;
  for (const status of [401, 402]) ban(`obj.status == ${status}`);
  assert.equal(bans.isCrowded, false);
  for (const status of [403, 404]) ban(`obj.status == ${status}`);
  assert.equal(bans.isCrowded, true);
  assert.throws(() => ban('obj.status == 405'), { code: 'BANS_EXHAUSTED' });
  ban('obj.status == 401');
  assert.deepEqual(expressions().length, 4);
  for (const status of [401, 402, 403, 404])
    assert.equal(bans.isBanned(stored('/a', status), oldest), true, String(status));
  assert.equal(bans.isBanned(stored('/a', 405), oldest), false);
  bans.dropUpTo(bans.newest);
  ban('obj.status == 405');
});

test('looking late says what looking at once would have said', () => {
  const bannable = fc.integer({ min: 0, max: 3 });
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('store' as const), path: bannable }),
      fc.record({ kind: fc.constant('ban' as const), path: bannable }),
      fc.record({ kind: fc.constant('young' as const) }),
      fc.record({ kind: fc.constant('look' as const), at: fc.nat(20) }),
      fc.record({ kind: fc.constant('wait' as const) }),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const { clock, bans, ban, stored } = open(100);
      const entries: {
        subject: StoredSubject;
        checkedUpTo: typeof bans.newest;
        isGone: boolean;
        isBanned: boolean;
      }[] = [];
      const look = (entry: (typeof entries)[number]): void => {
        if (entry.isGone) return;
        entry.isGone = bans.isBanned(entry.subject, entry.checkedUpTo);
        if (!entry.isGone) entry.checkedUpTo = bans.newest;
      };
      for (const step of all) {
        if (step.kind === 'store')
          entries.push({
            subject: stored(`/${step.path}`),
            checkedUpTo: bans.newest,
            isGone: false,
            isBanned: false,
          });
        else if (step.kind === 'ban') {
          ban(`req.url == "/${step.path}"`);
          for (const entry of entries) entry.isBanned ||= entry.subject.uri.endsWith(`/${step.path}`);
        } else if (step.kind === 'young') {
          ban('obj.age < 2s');
          for (const entry of entries) entry.isBanned ||= clock.now() - entry.subject.storedAt < 2_000;
        } else if (step.kind === 'look') {
          const entry = entries[step.at];
          if (entry) look(entry);
        } else clock.advance(1_000);
      }
      for (const entry of entries) {
        look(entry);
        assert.equal(entry.isGone, entry.isBanned, entry.subject.uri);
      }
    }),
    { numRuns: 500 },
  );
});
