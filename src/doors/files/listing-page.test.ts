import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import fc from 'fast-check';
import { childOf, type FilePath, parseFilePath, ROOT } from '../../files/file-path.ts';
import { gatherListing, type ListedEntry } from './listing.ts';
import { linkBase, listingPage, PAGE_FIELDS } from './listing-page.ts';

const FOLDER = parseFilePath('a/b');

async function pageOf(
  entries: readonly ListedEntry[],
  path: FilePath = FOLDER,
  base = './',
): Promise<string> {
  return text(listingPage(await gatherListing(path, entries), base));
}

function file(name: string): ListedEntry {
  return { name, type: 'file', sizeBytes: 1536, modifiedAt: Date.parse('2030-01-31T12:00:00.5Z') };
}

/** What a browser makes of the page's links, and the words on them. */
function linksOf(page: string, address: string): { to: string; words: string }[] {
  return [...page.matchAll(/<a href="([^"]*)">([^<]*)<\/a>/g)].map(([, href = '', words = '']) => {
    const url = new URL(unescaped(href), `http://host${address}`);
    assert.deepEqual([url.host, url.search, url.hash], ['host', '', '']);
    return { to: url.pathname, words: unescaped(words) };
  });
}

function unescaped(html: string): string {
  return html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

test('a link leads to what it names, whatever the name is', async () => {
  const hostile = [
    '?',
    '#',
    '%',
    '%2e%2e',
    ' ',
    '"',
    "'",
    '<',
    '>',
    '&',
    '&lt;',
    ':',
    'javascript:',
    'ü',
    '+',
    ';',
    '\n',
  ];
  const names = fc
    .array(fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'grapheme', maxLength: 3 })), {
      minLength: 1,
    })
    .map((parts) => parts.join('').replaceAll('/', ''))
    .filter((name) => !['', '.', '..'].includes(name));
  await fc.assert(
    fc.asyncProperty(names, fc.boolean(), async (name, hasSlash) => {
      const address = hasSlash ? '/files/a/b/' : '/files/a/b';
      const page = await pageOf([file(name)], FOLDER, linkBase(address));
      const [up, link] = linksOf(page, address);
      assert.deepEqual(up, { to: '/files/a/', words: '..' });
      assert.equal(link?.words, name);
      assert.equal(decodeURIComponent(link.to), `/files/${childOf(FOLDER, name)}`);
    }),
    { numRuns: 500 },
  );
});

test('nothing of a name becomes a part of the page', async () => {
  const page = await pageOf(
    [file('"><script>alert(1)</script>'), file("' onclick='x")],
    parseFilePath('<b>'),
  );
  assert.doesNotMatch(page, /<script|<b>|onclick='/);
  assert.match(page, /<h1>\/&lt;b&gt;<\/h1>/);
});

test('nothing of an address becomes a part of the page', async () => {
  const page = await pageOf([file('x')], FOLDER, linkBase('/files/a/"><script>'));
  assert.doesNotMatch(page, /<script/);
});

test('there is a way up but at the root, with and without a slash at the end of the address', async () => {
  for (const address of ['/files/', '/files', '/api/v1/files']) {
    const page = await pageOf([file('x')], ROOT, linkBase(address));
    assert.deepEqual(linksOf(page, address), [{ to: `${address.replace(/\/$/, '')}/x`, words: 'x' }]);
  }
});

test('folders end in a slash, links in an arrow; sizes and times are for people', async () => {
  const page = await pageOf([
    { name: 'd', type: 'folder', modifiedAt: 0 },
    file('f'),
    { name: 'l', type: 'link', modifiedAt: 0 },
  ]);
  assert.match(page, /<a href="\.\/d\/">d\/<\/a><td class="size"><td>1970-01-01 00:00:00\n/);
  assert.match(page, /<a href="\.\/f">f<\/a><td class="size">1\.5 KiB<td>2030-01-31 12:00:00\n/);
  assert.match(page, /<a href="\.\/l">l<\/a> →/);
});

test('a folder without entries, and one with too many, say so', async () => {
  assert.match(await pageOf([]), /This folder is empty/);
  const some = await gatherListing(ROOT, [file('a'), file('b')], 1);
  assert.match(await text(listingPage(some, './')), /more here than the 1 entries/);
  assert.doesNotMatch(await pageOf([file('a')]), /class="note"/);
});

test('a page of many entries has all of them', async () => {
  const page = await pageOf(Array.from({ length: 1001 }, (_, index) => file(`f${index}`)));
  assert.equal(new Set(linksOf(page, '/files/a/b/').map(({ to }) => to)).size, 1002);
});

test('the head lets in the page’s own style and nothing else', async () => {
  const fields = new Map<string, string>();
  for (let at = 0; at < PAGE_FIELDS.length; at += 2)
    fields.set(PAGE_FIELDS[at] ?? '', PAGE_FIELDS[at + 1] ?? '');
  const style = /<style>(.*?)<\/style>/s.exec(await pageOf([]))?.[1] ?? '';
  const digest = createHash('sha256').update(style).digest('base64');
  const policy = fields.get('content-security-policy') ?? '';
  assert.ok(policy.startsWith(`default-src 'none'; style-src 'sha256-${digest}';`), policy);
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(fields.get('content-type'), 'text/html; charset=utf-8');
});
