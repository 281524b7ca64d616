/** Paths that try to leave the folder of files. A6 is a row of docs/faults.md. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FilesServer } from '../../../test/rig/files-server.ts';
import { sendRaw } from '../../../test/rig/raw-http.ts';
import { openTempFolder, type TempFolder } from '../../../test/rig/temp-folder.ts';

const SECRET = 'bytes from outside of the root';

let folder: TempFolder;
let server: FilesServer;
before(async () => {
  folder = await openTempFolder();
  server = await FilesServer.start({ root: join(folder.path, 'files'), hosts: ['files.test'] });
  await writeFile(join(folder.path, 'secret'), SECRET);
  await mkdir(join(folder.path, 'files-too')); // begins as the root does
  await writeFile(join(folder.path, 'files-too', 'secret'), SECRET);
  await server.put('a/file', 'inside');
  await writeFile(server.at('.velocity/secret'), SECRET);
  await symlink(folder.path, server.at('out'));
  await symlink('../files-too', server.at('beside'));
  await symlink('../secret', server.at('a/secret'));
  await symlink('.velocity', server.at('state'));
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const DOTS = [
  '..',
  '%2e%2e',
  '%2E.',
  '.%2e',
  '%252e%252e',
  '%25252e%25252e',
  '%c0%ae%c0%ae',
  '%e0%80%ae%e0%80%ae',
];
DOTS.push(
  '%uff0e%uff0e',
  '\u2025',
  '\uff0e\uff0e',
  '%ef%bc%8e%ef%bc%8e',
  '..;',
  '..%00',
  '..%20',
  '.. ',
  '...',
  '%2e%2e.',
);
const SLASHES = [
  '/',
  '%2f',
  '%2F',
  '%252f',
  '\\',
  '%5c',
  '%255c',
  '%c0%af',
  '%ef%bc%8f',
  '//',
  '/./',
  '%00/',
];

/** As they stand in the target of a request, behind the prefix. */
function* escapes(): Generator<string> {
  for (const dots of DOTS)
    for (const slash of SLASHES) {
      yield `${dots}${slash}secret`;
      yield `a${slash}${dots}${slash}${dots}${slash}secret`;
    }
  const outside = join(folder.path, 'secret');
  for (const absolute of [
    outside,
    encodeURIComponent(outside),
    `//${outside}`,
    `file:${outside}`,
    `%2f${outside}`,
  ])
    yield absolute;
  for (const link of [
    'out/secret',
    'out%2fsecret',
    'beside/secret',
    'a/secret',
    'state/secret',
    'out/files/a/file',
  ])
    yield link;
  for (const state of [
    '.velocity',
    '.VELOCITY',
    '%2evelocity',
    '.velocit%79',
    './.velocity',
    'a/../.velocity',
    '.velocity%2f',
  ])
    yield `${state}/secret`;
  for (const odd of [
    '.',
    '..',
    'a/.',
    'a/..',
    'a//file',
    '%00',
    'a%00',
    'a/%00/b',
    '%0a',
    'a%0d%0ab',
    '%7f',
    '%ff',
    '%',
    '%zz',
  ])
    yield odd;
  yield `${'a/'.repeat(3000)}b`;
  yield 'x'.repeat(5000);
}

/** Everything outside, as it is. */
function outside(): readonly string[] {
  const own = readdirSync(server.at('.velocity'));
  return [
    ...readdirSync(folder.path),
    ...readdirSync(join(folder.path, 'files-too')),
    ...own.filter((name) => !/^index-/.test(name)),
    ...[
      join(folder.path, 'secret'),
      join(folder.path, 'files-too', 'secret'),
      server.at('.velocity/secret'),
    ].map((path) => readFileSync(path, 'utf8')),
  ];
}

function send(method: string, target: string, more = '', body = ''): Promise<string> {
  const host = target.startsWith('/files/') || target.startsWith('/api/') ? 'x' : 'files.test';
  const text = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer admin\r\nConnection: close\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
  return sendRaw(server.url, Buffer.from(text).toString('latin1'));
}

type Try = readonly [method: string, query: string, more?: string, body?: string];
const SOME: readonly Try[] = [
  ['GET', ''],
  ['PUT', '', '', 'written'],
];
const ALL: readonly Try[] = [
  ...SOME,
  ...['?stat', '?hash', '?lines=1'].map((query): Try => ['GET', query]),
  ['PATCH', '', 'X-Update-Range: append\r\n', 'appended'],
  ['DELETE', ''],
  ['POST', '?mkdir'],
  ['POST', '?move_to=moved'],
];

async function tryAll(target: string, tries: readonly Try[]): Promise<void> {
  for (const [method, query, more, body] of tries) {
    const answer = await send(method, target + query, more, body);
    assert.doesNotMatch(answer, /bytes from outside/, `${method} ${target}`);
    assert.doesNotMatch(answer, /^HTTP\/1\.1 5/, `${method} ${target}`);
  }
}

describe('a path that would lead out (A6)', () => {
  for (const prefix of ['/files/', '/api/v1/files/', '/'])
    test(`gives away no byte, and changes nothing, at ${prefix}`, async () => {
      const before = outside();
      const paths = escapes();
      const attack = async (): Promise<void> => {
        for (const path of paths) await tryAll(`${prefix}${path}`, prefix === '/files/' ? ALL : SOME);
      };
      await Promise.all(Array.from({ length: 8 }, attack));
      assert.deepEqual(outside(), before);
    });

  test('is refused as the target of a move or a copy, in a query or in JSON, and as a name', async () => {
    const before = outside();
    await server.put('a/file', 'inside');
    const targets = [
      '../secret',
      '/../secret',
      'out/secret',
      'beside/new',
      '.velocity/x',
      '.Velocity/x',
      'state/x',
      'a/../../x',
    ];
    targets.push('a\\..\\x', 'a\0b', 'a//b', './x', '', '/');
    for (const target of targets) {
      const encoded = encodeURIComponent(target);
      for (const operation of ['copy_to', 'move_to']) {
        const answer = await send('POST', `/files/a/file?${operation}=${encoded}&overwrite`);
        assert.match(answer, /^HTTP\/1\.1 4\d\d /, `${operation} ${target}`);
      }
      for (const field of ['move_to', 'name']) {
        const body = JSON.stringify({ [field]: target, overwrite: true });
        assert.match(await send('PATCH', '/files/a/file', '', body), /^HTTP\/1\.1 4\d\d /, body);
      }
    }
    assert.deepEqual(outside(), before);
    assert.equal(await server.textAt('a/file'), 'inside');
  });

  test('is refused by the journal and by a prune', async () => {
    for (const path of ['..', '../x', '.velocity', 'a//b', 'a\\b']) {
      const reply = await server.fetch(`/api/v1/journal?path=${encodeURIComponent(path)}`);
      assert.equal(reply.status, 400, path);
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ path, max_size: '0B' });
      assert.equal(
        (await server.fetch('/api/v1/prune', { method: 'POST', headers, body }, 'admin')).status,
        400,
      );
    }
  });

  test('names that only look alike are files of their own', async () => {
    const names = [
      'é',
      'e\u0301',
      'A',
      'a',
      'a.',
      'a ',
      ' a',
      'a%2fb',
      '%2e%2e',
      '…',
      '..a',
      'a..',
      '.velocity2',
      '-rf',
      '~',
      '*',
    ];
    for (const name of names)
      assert.equal((await server.put(`alike/${encodeURIComponent(name)}`, `of ${name}`)).status, 201, name);
    for (const name of names)
      assert.equal(await server.textAt(`alike/${encodeURIComponent(name)}`), `of ${name}`);
    assert.deepEqual(readdirSync(server.at('alike')).sort(), [...names].sort());
  });
});
