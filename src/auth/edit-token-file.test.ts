import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openTempFolder, type TempFolder } from '../../test/rig/temp-folder.ts';
import { digestOf } from '../base/digest.ts';
import { addToken, listTokens, removeToken } from './edit-token-file.ts';

let folder: TempFolder;
before(async () => {
  folder = await openTempFolder();
});
after(() => folder[Symbol.asyncDispose]());

let files = 0;
function freshPath(): string {
  return join(folder.path, `tokens-${++files}.yml`);
}

test('the first token makes the file, which only its owner reads, and holds its digest and not the token', () => {
  const path = freshPath();
  const { id, token } = addToken(path, { preset: 'main' });
  const text = readFileSync(path, 'utf8');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.ok(text.includes(digestOf(token.reveal())) && text.includes(id) && text.startsWith('#'));
  assert.ok(!text.includes(token.reveal().slice(-43)));
});

test('a token reads back as what was asked for', () => {
  const path = freshPath();
  const expiresAt = Date.UTC(2027, 0, 31, 12);
  addToken(path, { preset: 'pull-request', tenant: 'acme', scope: 'pr-7', expiresAt, note: 'for: #7 "x"' });
  addToken(path, { preset: 'developer', scope: 'release' });
  addToken(path, { preset: 'admin' });
  const [pullRequest, developer, admin] = listTokens(path);
  assert.deepEqual(pullRequest?.access.readScopes, ['main', 'pr-7']);
  assert.deepEqual(
    [
      pullRequest?.access.tenant,
      pullRequest?.access.writeScope,
      pullRequest?.access.expiresAt,
      pullRequest?.note,
    ],
    ['acme', 'pr-7', expiresAt, 'for: #7 "x"'],
  );
  assert.deepEqual([developer?.access.writeScope, developer?.access.readScopes], [undefined, ['release']]);
  assert.ok(admin?.access.rights.has('admin'));
});

test('limits are written as they were asked for, and only those', () => {
  const path = freshPath();
  addToken(path, { preset: 'main', limits: { requests: '600/m', bytes: undefined } });
  addToken(path, { preset: 'main', limits: { requests: undefined, bytes: undefined } });
  assert.deepEqual(
    listTokens(path).map(({ access }) => access.limits),
    [{ requests: { amount: 600, periodMs: 60_000 }, bytes: undefined }, undefined],
  );
  assert.match(readFileSync(path, 'utf8'), /limits:\n +requests: 600\/m\n/);
});

test('what was written by hand stays, comments and order too', () => {
  const path = freshPath();
  const hand = [
    '# Ours. Ask Ada before you change anything.',
    'tokens:',
    '  # the nightly build',
    `  - id: nightly # since 2025`,
    `    sha256: ${'ab'.repeat(32)}`,
    '    preset: main',
    '    rights: [cache, builds]',
    '',
  ].join('\n');
  writeFileSync(path, hand);
  const { id } = addToken(path, { preset: 'developer', note: 'Grace' });
  assert.ok(readFileSync(path, 'utf8').startsWith(hand));
  assert.ok(removeToken(path, id));
  assert.equal(readFileSync(path, 'utf8'), hand);
});

test('an empty list, written in either way, takes tokens', () => {
  for (const text of ['tokens: []\n', 'tokens:\n', '']) {
    const path = freshPath();
    writeFileSync(path, text);
    addToken(path, { preset: 'main' });
    addToken(path, { preset: 'main' });
    assert.equal(listTokens(path).length, 2);
  }
});

test('revoked is what is no longer there; what never was is told apart and changes nothing', () => {
  const path = freshPath();
  const [one, two] = [addToken(path, { preset: 'main' }), addToken(path, { preset: 'main' })];
  assert.equal(removeToken(path, one.id), true);
  assert.deepEqual(
    listTokens(path).map(({ access }) => access.id),
    [two.id],
  );
  const text = readFileSync(path, 'utf8');
  assert.equal(removeToken(path, one.id), false);
  assert.equal(readFileSync(path, 'utf8'), text);
  assert.equal(removeToken(path, two.id), true);
  assert.deepEqual(listTokens(path), []);
});

test('a file with mistakes is not touched', () => {
  const path = freshPath();
  const text = 'tokens:\n  - id: one\n';
  writeFileSync(path, text);
  const says = { code: 'TOKENS_INVALID', message: /tokens-\d+\.yml:2:5: tokens\.0\.sha256: is missing/ };
  assert.throws(() => addToken(path, { preset: 'main' }), says);
  assert.throws(() => removeToken(path, 'one'), says);
  assert.equal(readFileSync(path, 'utf8'), text);
});

test('names that cannot be, and a pull request that would write main, are refused before anything is written', () => {
  const path = freshPath();
  for (const request of [
    { preset: 'main', scope: 'Main' },
    { preset: 'main', tenant: '../x' },
    { preset: 'pull-request', scope: 'main' },
  ] as const) {
    assert.throws(() => addToken(path, request), { code: 'USAGE' });
  }
  assert.ok(!existsSync(path));
});

test('a file that others could read is the owner’s alone after a change, a link leads to it still, and nothing is left over', async () => {
  await using own = await openTempFolder();
  const [path, link] = [join(own.path, 'tokens.yml'), join(own.path, 'link.yml')];
  writeFileSync(path, 'tokens: []\n');
  chmodSync(path, 0o644);
  symlinkSync(path, link);
  addToken(link, { preset: 'main' });
  assert.equal(listTokens(path).length, 1);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(own.path).sort(), ['link.yml', 'tokens.yml']);
});

test('a folder that is not there is told in words', () => {
  const path = join(folder.path, 'none', 'tokens.yml');
  assert.throws(() => addToken(path, { preset: 'main' }), {
    code: 'TOKENS_INVALID',
    message: /cannot be written: ENOENT/,
  });
  assert.throws(() => listTokens(path), { code: 'TOKENS_INVALID', message: /velocity token new/ });
});
