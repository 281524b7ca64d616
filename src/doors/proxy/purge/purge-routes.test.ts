import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { AuditLog } from '../../../telemetry/audit-log.ts';
import { openLogger } from '../../../telemetry/logger.ts';
import { BanList } from './ban-list.ts';
import { purgeRoutes } from './purge-routes.ts';
import type { Purges } from './purges.ts';

/** Routes over a store that notes what it is asked and finds as many as it is told. */
function open({
  found = 3,
  maxBans = 10,
  auditFile,
}: {
  found?: number;
  maxBans?: number;
  auditFile?: string;
} = {}) {
  const asked: unknown[] = [];
  const noted: unknown[] = [];
  const clock = new ManualClock();
  const list = new BanList({ clock, maxBans });
  const note = (what: unknown): number => {
    asked.push(what);
    return found;
  };
  const purges: Purges = {
    purge: (uri, { soft }) => note({ uri, soft }),
    purgeTags: (tags, { soft }) => note({ tags, soft }),
    purgeAll: ({ soft }) => note({ all: true, soft }),
    ban: (expression) => list.add(expression),
    bans: () => list.all(),
  };
  const logger = openLogger('info', {
    write: (line) => void noted.push((JSON.parse(line) as { audit: unknown }).audit),
  });
  const routes = purgeRoutes(purges, new AuditLog(auditFile, clock, logger));
  return {
    asked,
    noted,
    clock,
    send: (address: string, body?: unknown): Promise<object> => {
      const route = routes.find(({ method, path }) => `${method} ${path}` === address);
      assert.ok(route, address);
      return route.handle(body, new URLSearchParams());
    },
  };
}

test('a URL is purged as it is stored, and how many there were is told', async () => {
  const { send, asked } = open();
  assert.deepEqual(await send('POST /purge', { url: 'HTTPS://Shop.example:443/a?b=%C3%A9' }), {
    purged: 3,
    soft: false,
  });
  assert.deepEqual(await send('POST /purge', { url: 'http://shop.example', soft: true }), {
    purged: 3,
    soft: true,
  });
  assert.deepEqual(asked, [
    { uri: 'https://shop.example/a?b=%C3%A9', soft: false },
    { uri: 'http://shop.example/', soft: true },
  ]);
});

test('a host and path are purged in both schemes', async () => {
  const { send, asked } = open();
  assert.deepEqual(await send('POST /purge', { host: 'shop.example', path: '/a' }), {
    purged: 6,
    soft: false,
  });
  assert.deepEqual(asked, [
    { uri: 'http://shop.example/a', soft: false },
    { uri: 'https://shop.example/a', soft: false },
  ]);
});

test('tags are purged, and all is, hard and soft', async () => {
  const { send, asked } = open();
  for (const what of [{ tags: ['a', 'b c'] }, { all: true }])
    for (const soft of [false, true]) await send('POST /purge', { ...what, soft });
  assert.deepEqual(asked, [
    { tags: ['a', 'b c'], soft: false },
    { tags: ['a', 'b c'], soft: true },
    { all: true, soft: false },
    { all: true, soft: true },
  ]);
});

const MISTAKES: readonly (readonly [body: unknown, field: string, message: RegExp])[] = [
  [undefined, 'body', /must be a JSON object/],
  ['all', 'body', /must be a JSON object/],
  [{}, 'body', /one of "url", "host" with "path", "tags" and "all"; there is none/],
  [{ soft: true }, 'body', /there is none/],
  [{ url: 'http://a/', all: true }, 'body', /there are "url" and "all"/],
  [{ urls: ['http://a/'] }, 'urls', /is not a field/],
  [{ url: '/a' }, 'url', /absolute URL/],
  [{ url: 'ftp://a/b' }, 'url', /absolute URL/],
  [{ url: 'http://a/b#c' }, 'url', /without a fragment/],
  [{ url: 'http://a/caf\u00e9' }, 'url', /%-escaped/],
  [{ url: 'http://me@a/' }, 'url', /absolute URL/],
  [{ url: 5 }, 'url', /must be a text/],
  [{ host: 'a' }, 'path', /ban req\.host/],
  [{ path: '/a' }, 'body', /there is none/],
  [{ path: '/a', all: true }, 'path', /goes with "host"/],
  [{ host: 'a', path: 'b' }, 'path', /begin with \//],
  [{ host: 'a/b', path: '/c' }, 'path', /name or address/],
  [{ tags: [] }, 'tags', /at least one/],
  [{ tags: 'a' }, 'tags', /must be a list/],
  [{ tags: ['ok', ''] }, 'tags.1', /printable ASCII/],
  [{ tags: Array.from({ length: 257 }, () => 'a') }, 'tags', /at most 256/],
  [{ all: false }, 'all', /must be true/],
  [{ all: true, soft: 'yes' }, 'soft', /true or false/],
];

for (const [body, field, message] of MISTAKES)
  test(`${JSON.stringify(body)?.slice(0, 60)} is refused, and nothing is purged or noted`, async () => {
    const { send, asked, noted } = open();
    await assert.rejects(send('POST /purge', body), { code: 'BAD_REQUEST', field, message });
    assert.deepEqual([asked, noted], [[], []]);
  });

test('a ban is listed in its one spelling, with when it was made', async () => {
  const { send, clock } = open();
  const made = new Date(clock.now()).toISOString();
  const ban = { expression: 'req.url ~ "/blog/*" && obj.age > 1h', made, banned: 0 };
  assert.deepEqual(await send('POST /ban', { expression: 'req.url~"/blog/*"  && obj.age > 3600' }), ban);
  assert.deepEqual(await send('GET /bans'), { bans: [ban] });
});

test('a ban that cannot be read is refused with the column, and not made', async () => {
  const { send, noted } = open();
  for (const [body, field, message] of [
    [{ expression: 'req.url = "/a"' }, 'expression', /^Column 9/],
    [{ expression: 5 }, 'expression', /must be a text/],
    [{ expresion: '' }, 'expression', /must be a text/],
    [{ expression: 'obj.status == 1', soft: true }, 'soft', /not a field/],
    [null, 'body', /must be a JSON object/],
  ] as const)
    await assert.rejects(send('POST /ban', body), { code: 'BAD_REQUEST', field, message });
  assert.deepEqual([await send('GET /bans'), noted], [{ bans: [] }, []]);
});

test('what is done is in the audit log before it is done, and so is what came of it', async () => {
  const who = 'admin socket';
  const { send, noted } = open({ maxBans: 1 });
  await send('POST /purge', { host: 'a', path: '/b', soft: true });
  await send('POST /purge', { tags: ['x', 'y'] });
  await send('POST /ban', { expression: 'obj.status  == 404' });
  await send('POST /ban', { expression: 'obj.status == 405' });
  await assert.rejects(send('POST /ban', { expression: 'obj.status == 406' }), { code: 'BANS_EXHAUSTED' });
  assert.deepEqual(noted, [
    { who, action: 'soft-purge', key: '//a/b', result: 'begun' },
    { who, action: 'soft-purge', key: '//a/b', result: 'done' },
    { who, action: 'purge', key: 'tags x, y', result: 'begun' },
    { who, action: 'purge', key: 'tags x, y', result: 'done' },
    { who, action: 'ban', key: 'obj.status == 404', result: 'begun' },
    { who, action: 'ban', key: 'obj.status == 404', result: 'done' },
    { who, action: 'ban', key: 'obj.status == 405', result: 'begun' },
    { who, action: 'ban', key: 'obj.status == 405', result: 'done' },
    { who, action: 'ban', key: 'obj.status == 406', result: 'begun' },
    { who, action: 'ban', key: 'obj.status == 406', result: 'failed' },
  ]);
});

test('what cannot be noted is not done', async () => {
  await using folder = await openTempFolder();
  const auditFile = join(folder.path, 'audit.jsonl');
  const { send, asked } = open({ auditFile });
  rmSync(auditFile);
  mkdirSync(auditFile);
  await assert.rejects(send('POST /purge', { all: true }), { code: 'AUDIT_UNAVAILABLE' });
  await assert.rejects(send('POST /ban', { expression: 'obj.status == 404' }), { code: 'AUDIT_UNAVAILABLE' });
  assert.deepEqual([asked, await send('GET /bans')], [[], { bans: [] }]);
});

test('a purge that found nothing says so', async () => {
  const { send, noted } = open({ found: 0 });
  assert.deepEqual(await send('POST /purge', { all: true }), { purged: 0, soft: false });
  assert.deepEqual(noted.at(-1), { who: 'admin socket', action: 'purge', key: 'all', result: 'absent' });
});
