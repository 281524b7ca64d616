import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import type { CacheUri } from '../../../http-cache/cache-uri.ts';
import { parseBanExpression } from './ban-expression.ts';
import { type BanCursor, BanList } from './ban-list.ts';
import { type Bannable, BanSweep } from './ban-sweep.ts';

function open() {
  const clock = new ManualClock();
  const bans = new BanList({ clock });
  const stored = new Set<Bannable>();
  const sweep = new BanSweep(bans, { stored: () => stored, remove: (banned) => stored.delete(banned) });
  return {
    bans,
    sweep,
    ban: (text: string) => bans.add(parseBanExpression(text)),
    store: (path: string, checkedUpTo: BanCursor = bans.newest): Bannable => {
      const uri = `http://example${path}` as CacheUri;
      const entry = { subject: { uri, status: 200, fields: [], storedAt: clock.now() }, checkedUpTo };
      stored.add(entry);
      return entry;
    },
    paths: () => [...stored].map(({ subject: { uri } }) => new URL(uri).pathname),
  };
}

test('a pass removes what is banned, and then drops the bans', () => {
  const { bans, sweep, ban, store, paths } = open();
  for (const path of ['/a', '/b', '/c']) store(path);
  ban('req.url == "/b"');
  ban('req.url == "/c"');
  assert.equal(sweep.step(1_000), true);
  assert.deepEqual(paths(), ['/a']);
  assert.equal(bans.size, 0);
  assert.equal(sweep.step(1_000), true, 'there is nothing more to do');
});

test('a step makes about so many tests, and no ban is dropped before the pass has ended', () => {
  const { bans, sweep, ban, store } = open();
  for (let at = 0; at < 10; at++) store(`/${at}`);
  for (let at = 0; at < 4; at++) ban(`req.url == "/none/${at}"`);
  let steps = 1;
  while (!sweep.step(8)) {
    assert.equal(bans.size, 4);
    steps++;
  }
  assert.equal(steps, 6);
  assert.equal(bans.size, 0);
});

test('what was tested by a lookup meanwhile costs no more tests', () => {
  const { bans, sweep, ban, store } = open();
  const entries = Array.from({ length: 10 }, (_, at) => store(`/${at}`));
  for (let at = 0; at < 4; at++) ban(`req.url == "/none/${at}"`);
  for (const entry of entries) entry.checkedUpTo = bans.newest;
  assert.equal(sweep.step(11), true);
});

test('bans that come during a pass are dropped by the next one', () => {
  const { bans, sweep, ban, store, paths } = open();
  store('/a');
  store('/b');
  ban('req.url == "/none"');
  assert.equal(sweep.step(1), false);
  ban('req.url == "/a"');
  assert.equal(sweep.step(100), true);
  assert.deepEqual(
    bans.all().map(({ expression }) => expression),
    ['req.url == "/a"'],
  );
  assert.deepEqual(paths(), ['/a', '/b'], '/a was tested before it was banned');
  assert.equal(sweep.step(100), true);
  assert.deepEqual(paths(), ['/b']);
  assert.equal(bans.size, 0);
});

test('what comes during a pass, from before the bans, is tested or counts as banned', () => {
  const { bans, sweep, ban, store, paths } = open();
  const asked = bans.newest;
  store('/a');
  store('/b');
  ban('req.url == "/late"');
  assert.equal(sweep.step(1), false);
  store('/late', asked);
  assert.equal(sweep.step(100), true);
  assert.deepEqual(paths(), ['/a', '/b']);
  const later = store('/later', asked);
  assert.equal(bans.isBanned(later.subject, later.checkedUpTo), true);
});

test('with nothing stored the bans are dropped at once', () => {
  const { bans, sweep, ban } = open();
  ban('req.url == "/a"');
  assert.equal(sweep.step(1), true);
  assert.equal(bans.size, 0);
});
