/** What a GET and a HEAD answer of folders, of files as they are and of what they were. */
import assert from 'node:assert/strict';
import { mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { codeOf, FilesServer } from '../../../test/rig/files-server.ts';
import { digestOf } from '../../base/digest.ts';
import type { FilePath } from '../../files/file-path.ts';

const DAY_MS = 24 * 3600_000;

let server: FilesServer;
before(async () => {
  server = await FilesServer.start();
});
after(() => server[Symbol.asyncDispose]());

async function jsonAt<T>(target: string): Promise<T> {
  const reply = await server.fetch(target);
  assert.equal(reply.status, 200, target);
  return (await reply.json()) as T;
}

describe('a folder', () => {
  test('is listed as JSON, or as a page for who would rather have one', async () => {
    await server.put('listed/b.txt', '12');
    await server.put('listed/a/x', '1');
    type Listing = { path: string; entries: { name: string; type: string; size?: number }[] };
    for (const target of ['/files/listed', '/files/listed/', '/api/v1/files/listed']) {
      const { path, entries } = await jsonAt<Listing>(target);
      assert.equal(path, 'listed');
      assert.deepEqual(
        entries.map(({ name, type, size }) => [name, type, size]),
        [
          ['a', 'folder', undefined],
          ['b.txt', 'file', 2],
        ],
      );
    }
    const headers = { accept: 'text/html,*/*;q=0.8' };
    const page = await server.fetch('/files/listed', { headers });
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
    assert.match(await page.text(), /b\.txt/);
    const json = await server.fetch('/files/listed?json', { headers });
    assert.equal(json.headers.get('content-type'), 'application/json');
    await json.body?.cancel();
    const head = await server.fetch('/files/listed', { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });

  test('does not show what the server keeps beside the files', async () => {
    for (const target of ['/files', '/files/', '/api/v1/files/']) {
      const { entries } = await jsonAt<{ entries: { name: string }[] }>(target);
      assert.equal(
        entries.some(({ name }) => name === '.velocity'),
        false,
      );
    }
    const root = await jsonAt<{ type: string }>('/files?stat');
    assert.equal(root.type, 'folder');
  });

  test('has neither lines nor a hash', async () => {
    assert.equal((await server.fetch('/files/listed?lines=1')).status, 409);
    assert.equal((await server.fetch('/files/listed?hash')).status, 404);
  });
});

test('a file is described by stat: size, mode, times, hash and revisions', async () => {
  await server.put('stat', 'one');
  await server.put('stat', 'other');
  const stat = await jsonAt<Record<string, unknown>>('/files/stat?stat');
  const time = new Date(server.opened.files.journal.head('stat' as FilePath)?.ts ?? 0).toISOString();
  assert.deepEqual(stat, {
    ...{ name: 'stat', path: 'stat', type: 'file', size: 5, sha256: digestOf('other'), permissions: '644' },
    ...{ owner: process.getuid?.(), group: process.getgid?.(), modified: time, read: time },
    ...{ revision: 2, revisions: 2 },
  });
});

test('a file of another program has a tag of its own, no revision, and its hash is read for whoever asks', async () => {
  await writeFile(server.at('theirs'), 'theirs');
  const reply = await server.fetch('/files/theirs');
  assert.match(reply.headers.get('etag') ?? '', /^"[0-9a-z]+-6"$/);
  assert.equal(reply.headers.get('x-revision'), null);
  assert.equal(await reply.text(), 'theirs');
  assert.equal(await server.textAt('theirs?hash'), `${digestOf('theirs')}\n`);
  assert.equal((await server.fetch('/files/theirs?revision=1')).status, 404);
  assert.equal((await server.fetch('/files/theirs?at=9999-01-01T00:00:00Z')).status, 404);
});

test('a file that another program wrote over is not said to be what it was', async () => {
  await server.put('over', 'mine');
  await rm(server.at('over'));
  await writeFile(server.at('over'), 'not!');
  const reply = await server.fetch('/files/over');
  assert.notEqual(reply.headers.get('etag'), `"${digestOf('mine')}"`);
  assert.equal(await server.textAt('over?revision=1'), 'mine');
  assert.equal(await server.textAt('over?hash'), `${digestOf('not!')}\n`);
  await server.put('over', 'mine again');
  assert.deepEqual(await server.opsOf('over'), ['create', 'gap', 'write']);
  assert.equal((await server.fetch('/files/over?revision=2')).status, 410);
});

describe('the past of a file', () => {
  const times: number[] = [];
  before(async () => {
    for (const text of ['one\n', 'one\ntwo\n', 'one\ntwo\nthree\n']) {
      await server.put('past', text);
      times.push(server.opened.files.journal.head('past' as FilePath)?.ts ?? 0);
      server.clock.advance(1000);
    }
    await server.fetch('/files/past', { method: 'DELETE' });
    server.clock.advance(1000);
    await server.put('past', 'back\n');
  });

  test('is read by revision and by moment, with its own tag and time', async () => {
    for (const [at, text] of ['one\n', 'one\ntwo\n', 'one\ntwo\nthree\n'].entries())
      for (const query of [`revision=${at + 1}`, `at=${times[at]}`, `at=${(times[at] ?? 0) + 900}`]) {
        const reply = await server.fetch(`/files/past?${query}`);
        assert.equal(await reply.text(), text, query);
        assert.equal(reply.headers.get('etag'), `"${digestOf(text)}"`);
        assert.equal(reply.headers.get('x-revision'), String(at + 1));
        assert.equal(reply.headers.get('last-modified'), new Date(times[at] ?? 0).toUTCString());
        assert.equal(await server.textAt(`past?hash&${query}`), `${digestOf(text)}\n`);
      }
    const time = new Date(times[1] ?? 0).toISOString();
    assert.equal(await server.textAt(`past?at=${time}`), 'one\ntwo\n');
    assert.equal(await server.textAt(`past?at=${times[1]}&lines=2`), 'one\ntwo\n');
    const headers = { range: 'bytes=4-6' };
    const part = await server.fetch('/files/past?revision=3', { headers });
    assert.deepEqual([part.status, await part.text()], [206, 'two']);
  });

  test('is as now at a moment that has not come, and nothing before there was anything', async () => {
    assert.equal(await server.textAt('past?at=9999-01-01T00:00:00Z'), 'back\n');
    assert.equal(await server.textAt(`past?at=${(times[0] ?? 0) - 1}`), 404);
    assert.equal(await server.textAt('past?revision=99'), 404);
  });

  test('is 404 with the moment of its deletion while it was deleted', async () => {
    const at = (times[2] ?? 0) + 1500;
    for (const target of [`past?at=${at}`, 'past?revision=4', `past?hash&at=${at}`]) {
      const reply = await server.fetch(`/files/${target}`);
      assert.equal(reply.status, 404, target);
      assert.equal(Date.parse(reply.headers.get('x-deleted-at') ?? ''), (times[2] ?? 0) + 1000);
    }
  });

  test('is compared by diff, with another revision or with what is there', async () => {
    const between = await server.textAt('past?diff&from_seq=1&to_seq=3');
    assert.match(String(between), /^ one\n\+two\n\+three\n/m);
    assert.equal(await server.textAt(`past?diff&from_ts=${times[0]}&to_ts=${times[2]}`), between);
    assert.match(String(await server.textAt('past?diff&from_seq=1')), /-one\n\+back/);
  });

  test('is told by the history, a page at a time', async () => {
    assert.deepEqual(await server.opsOf('past'), ['create', 'write', 'write', 'delete', 'create']);
    type Page = { revisions: { seq: number; id: number }[]; has_more: boolean; next_after_id: number };
    let query = 'limit=2';
    const seqs: number[][] = [];
    for (let more = true; more; ) {
      const page = await jsonAt<Page>(`/files/past?history&${query}`);
      seqs.push(page.revisions.map(({ seq }) => seq));
      more = page.has_more;
      query = `limit=2&after_id=${page.next_after_id}`;
    }
    assert.deepEqual(seqs, [[1, 2], [3, 4], [5]]);
    const after = await jsonAt<Page>('/files/past?history&after_seq=4');
    assert.deepEqual(
      after.revisions.map(({ seq }) => seq),
      [5],
    );
  });

  test('of a folder is its own, however much lies in it', async () => {
    await server.fetch('/files/busy?mkdir', { method: 'POST' });
    for (let i = 0; i < 10; i++) await server.put(`busy/${i}`, 'x');
    await server.fetch('/files/busy', { method: 'DELETE' });
    const page = await jsonAt<{ count: number; has_more: boolean }>('/files/busy?history&after_id=0&limit=2');
    assert.deepEqual([page.count, page.has_more], [2, false]);
  });

  test('is 410 once it is not kept: bytes before the journal, and the journal at last', async () => {
    await server.put('dropped', 'x'.repeat(100));
    await server.put('dropped', 'y');
    await server.opened.files.journal.flush();
    server.clock.advance(8 * DAY_MS);
    await server.opened.keepHouse(); // it notes what only history has; from now on that is kept for a while
    server.clock.advance(8 * DAY_MS);
    await server.opened.keepHouse();
    const reply = await server.fetch('/files/dropped?revision=1');
    assert.deepEqual([reply.status, await codeOf(reply)], [410, 'NOT_RETAINED']);
    assert.equal((await server.fetch('/files/dropped?hash&revision=1')).status, 410);
    assert.equal(await server.textAt('dropped?revision=2'), 'y');
    server.clock.advance(100 * DAY_MS);
    await server.put('another', 'of today');
    await server.opened.keepHouse();
    assert.equal((await server.fetch('/files/dropped?revision=1')).status, 410);
    assert.equal(await server.textAt('dropped'), 'y');
    assert.equal(await server.textAt('dropped?revision=2'), 'y', 'what is there stays known');
  });
});

test('what excludes each other is refused together', async () => {
  for (const query of [
    'hash&stat',
    'stat&history',
    'diff&hash&from_seq=1',
    'revision=1&at=1',
    'lines=1&stat',
    'what',
  ])
    for (const method of ['GET', 'HEAD'])
      assert.equal((await server.fetch(`/files/past?${query}`, { method })).status, 400, query);
});

test('a HEAD says what a GET would, without the body, whatever is asked', async () => {
  await server.put('heads', 'a\nb\n');
  for (const query of [
    '',
    'hash',
    'stat',
    'history',
    'diff&from_seq=1',
    'lines=1',
    'revision=1',
    'at=9999999999999',
  ]) {
    const [get, head] = [
      await server.fetch(`/files/heads?${query}`),
      await server.fetch(`/files/heads?${query}`, { method: 'HEAD' }),
    ];
    assert.deepEqual([head.status, await head.text()], [get.status, ''], query);
    await get.arrayBuffer();
    for (const name of ['content-length', 'content-type', 'etag', 'x-revision', 'x-line-range'])
      assert.equal(head.headers.get(name), get.headers.get(name), `${name} ${query}`);
  }
});

describe('links', () => {
  test('are read where they lead inside, and are nothing where they lead out', async () => {
    await mkdir(server.at('links/real'), { recursive: true });
    await writeFile(server.at('links/real/file'), 'inside');
    await symlink('real', server.at('links/folder'));
    await symlink('real/file', server.at('links/file'));
    await symlink('/etc/hostname', server.at('links/out'));
    await symlink('/etc', server.at('links/out-folder'));
    await symlink(server.at('.velocity'), server.at('links/state'));
    await symlink('circle', server.at('links/circle'));
    assert.equal(await server.textAt('links/folder/file'), 'inside');
    assert.equal(await server.textAt('links/file'), 'inside');
    const { entries } = await jsonAt<{ entries: object[] }>('/files/links/folder');
    assert.equal(entries.length, 1);
    for (const path of [
      'out',
      'out-folder',
      'out-folder/hostname',
      'state',
      'state/lock',
      'circle',
      'circle/x',
    ])
      for (const query of ['', '?hash', '?lines=1'])
        assert.equal(await server.textAt(`links/${path}${query}`), 404, path + query);
  });

  test('say where they lead, if that is inside', async () => {
    const stat = async (name: string) => jsonAt<Record<string, unknown>>(`/files/links/${name}?stat`);
    assert.equal((await stat('file'))['target'], 'links/real/file');
    assert.equal((await stat('out'))['target'], undefined);
    assert.equal((await stat('out'))['type'], 'link');
  });

  test('are never written through: a link at the end is replaced, one on the way refused', async () => {
    await symlink('real/file', server.at('links/replaced'));
    assert.equal((await server.put('links/replaced', 'mine')).status, 200);
    assert.equal(await server.textAt('links/replaced'), 'mine');
    assert.equal(await server.textAt('links/real/file'), 'inside');
    for (const path of ['links/folder/new', 'links/out-folder/new', 'links/state/new']) {
      assert.equal((await server.put(path, 'x')).status, 409, path);
      assert.equal((await server.fetch(`/files/${path}?mkdir`, { method: 'POST' })).status, 409);
      assert.equal(
        (await server.fetch(`/files/links/real/file?copy_to=${path}`, { method: 'POST' })).status,
        409,
      );
      assert.equal(
        (await server.fetch(`/files/links/real/file?move_to=${path}`, { method: 'POST' })).status,
        409,
      );
    }
    for (const path of ['links/folder/file', 'links/out-folder/hostname'])
      assert.equal((await server.fetch(`/files/${path}`, { method: 'DELETE' })).status, 404);
    assert.equal(await server.textAt('links/real/file'), 'inside');
  });
});

test('a read keeps the access time true, and of the other times not a nanosecond changes', async () => {
  await writeFile(server.at('read'), 'x');
  await utimes(server.at('read'), 1, 1.5);
  await server.textAt('read');
  const stat = await jsonAt<{ read: string; modified: string }>('/files/read?stat');
  assert.equal(Date.parse(stat.read), server.clock.now());
  assert.equal(Date.parse(stat.modified), 1500);
});
