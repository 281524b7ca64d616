import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeFrame } from '../config/code-frame.ts';
import { describeMistake } from '../config/mistake.ts';
import type { Access } from './access.ts';
import type { OidcIssuer } from './oidc-rules.ts';
import { newToken } from './token.ts';
import { parseTokenFile } from './token-file.ts';

const SHA = 'ab'.repeat(32);

function accessesIn(text: string): readonly Access[] {
  const parsed = parseTokenFile('tokens.yml', text);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.mistakes.map(describeMistake).join('\n'));
  return parsed.value.tokens.map(({ access }) => access);
}

function one(terms: string): Access {
  const [access] = accessesIn(`tokens:\n  - { id: one, sha256: ${SHA}, ${terms} }\n`);
  assert.ok(access);
  return access;
}

function mistakesIn(text: string): string[] {
  const parsed = parseTokenFile('tokens.yml', text);
  assert.ok(!parsed.ok);
  return parsed.mistakes.map(describeMistake);
}

function mistakeOf(terms: string): string {
  return mistakesIn(`tokens:\n  - id: one\n    sha256: ${SHA}\n    ${terms}\n`).join('\n');
}

test('a token of a preset means what the preset says, in the default tenant, for ever', () => {
  assert.deepEqual(one('preset: pull-request'), {
    id: 'one',
    tenant: 'default',
    writeScope: 'pull-request',
    readScopes: ['main', 'pull-request'],
    rights: new Set(['cache']),
    expiresAt: undefined,
  });
  assert.equal(one('preset: main').writeScope, 'main');
  assert.equal(one('preset: developer').writeScope, undefined);
  assert.ok(one('preset: admin').rights.has('admin'));
});

test('what is written beside a preset takes the place of what it says', () => {
  const own = one(
    'preset: pull-request, tenant: acme, write: pr-7, expires: 2027-01-31, rights: [cache, builds]',
  );
  assert.deepEqual(own, {
    id: 'one',
    tenant: 'acme',
    writeScope: 'pr-7',
    readScopes: ['main', 'pr-7'],
    rights: new Set(['cache', 'builds']),
    expiresAt: Date.UTC(2027, 0, 31),
  });
  assert.deepEqual(one('preset: developer, read: [release, main]').readScopes, ['release', 'main']);
});

test('without a preset a token reads and writes what is listed, and has the cache alone', () => {
  const plain = one('read: [main, nightly], expires: "2027-01-31T12:30:00Z"');
  assert.deepEqual([plain.writeScope, plain.readScopes], [undefined, ['main', 'nightly']]);
  assert.deepEqual([...plain.rights], ['cache']);
  assert.equal(plain.expiresAt, Date.UTC(2027, 0, 31, 12, 30));
  assert.deepEqual(one('write: main').readScopes, []);
});

test('a token may have limits of its own, or be without one that others have', () => {
  assert.deepEqual(one('preset: main, limits: { requests: 600/m, bytes: 10GiB/h }').limits, {
    requests: { amount: 600, periodMs: 60_000 },
    bytes: { amount: 10 * 2 ** 30, periodMs: 3_600_000 },
  });
  assert.deepEqual(one('preset: main, limits: { bytes: none }').limits, {
    requests: undefined,
    bytes: 'none',
  });
  assert.equal(one('preset: main').limits, undefined);
});

test('a file may hold no tokens yet', () => {
  assert.deepEqual(accessesIn('tokens: []\n'), []);
  assert.deepEqual(accessesIn('tokens:\n'), []);
});

test('what is wrong with a token is told with its place', () => {
  assert.match(
    mistakeOf('preset: mainn'),
    /^tokens\.yml:4:13: tokens\.0\.preset: expected "main" or .*did you mean "main"/,
  );
  assert.match(
    mistakeOf('presett: main'),
    /^tokens\.yml:4:5: unknown key "presett" \(did you mean "preset"\?\)/m,
  );
  assert.match(
    mistakeOf('write: Main'),
    /4:12: tokens\.0\.write: expected a name of 1 to 64 .*, found "Main"/,
  );
  assert.match(mistakeOf('read: [main, ../main]'), /4:18: tokens\.0\.read\.1: expected a name/);
  assert.match(mistakeOf('rights: [cache, root]'), /rights\.1: expected "cache" or/);
  for (const expires of ['tomorrow', '2027-13-01', '2027-01-31T12:00', '2027-01-31T12:00:00+01:00', '90d']) {
    assert.match(
      mistakeOf(`preset: main\n    expires: "${expires}"`),
      /5:14: tokens\.0\.expires: expected a day/,
    );
  }
  assert.match(
    mistakeOf('preset: main\n    limits: { requests: 600, bytes: 600/m }'),
    /5:25: tokens\.0\.limits\.requests: .*found "600"\n.*5:37: tokens\.0\.limits\.bytes: expected a size in a s, m, h or d.* or none, found "600\/m"/,
  );
  assert.match(
    mistakeOf('preset: main\n    limits: { request: 600/m }'),
    /5:15: unknown key "request" \(did you mean "requests"\?\)/,
  );
  assert.match(mistakeOf('note: nothing else'), /2:5: tokens\.0: has no meaning yet: give it a preset/);
});

test('a preset that is made to say the opposite is a mistake', () => {
  assert.match(
    mistakeOf('preset: pull-request\n    write: main'),
    /5:12: .*never writes "main".*, found "main"/,
  );
  assert.match(mistakeOf('preset: developer\n    write: main'), /5:12: .*a developer writes nothing/);
});

test('an id or a digest that is there twice is a mistake', () => {
  const row = (id: string, sha: string): string => `  - { id: ${id}, sha256: ${sha}, preset: main }\n`;
  const other = 'cd'.repeat(32);
  assert.match(
    mistakesIn(`tokens:\n${row('a', SHA)}${row('a', other)}`).join(),
    /3:11: tokens\.1\.id: is there twice/,
  );
  assert.match(
    mistakesIn(`tokens:\n${row('a', SHA)}${row('b', SHA)}`).join(),
    /3:22: tokens\.1\.sha256: is there twice/,
  );
});

test('an empty file is a mistake, not a file without tokens: it may be half written', () => {
  for (const text of ['', '# only a comment\n', '[]\n'])
    assert.match(mistakesIn(text).join(), /is no token file/);
  assert.match(mistakesIn('{}').join(), /tokens: is missing; expected a list, or "oidc"/);
});

test('a token that was put into the file is not shown, neither in a message nor in the lines around it', () => {
  const token = newToken().token.reveal();
  for (const text of [
    `tokens:\n  - id: a\n    sha256: ${token}\n    preset: main\n`,
    `tokens:\n  - id: ${token}\n    sha256: ${SHA}\n    preset: nobody\n`,
    `tokens:\n  - id: a\n    # ${token}\n    preset: nobody\n`,
    `${token}\n`,
    `tokens: [${token}\n`,
  ]) {
    const parsed = parseTokenFile('tokens.yml', text);
    assert.ok(!parsed.ok);
    const shown = parsed.mistakes.map((mistake) => codeFrame(mistake, text)).join('\n');
    assert.ok(!shown.includes(token.slice(-43)), shown);
    assert.match(shown, /tokens\.yml/);
  }
});

test('a file that holds another secret is not quoted', () => {
  assert.deepEqual(mistakesIn('hunter2\n'), [
    'tokens.yml: is no token file: expected a map with "tokens" or "oidc"',
  ]);
});

function issuersIn(text: string): readonly OidcIssuer[] {
  const parsed = parseTokenFile('tokens.yml', text);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.mistakes.map(describeMistake).join('\n'));
  return parsed.value.issuers;
}

function issuer(rules: string, url = 'https://ci.example'): string {
  return `oidc:\n  - issuer: ${url}\n    audience: https://cache.example\n    rules:\n${rules}`;
}

test('an issuer’s rules say when its tokens open what, presets as for tokens', () => {
  const rules =
    '      - { when: { repository_id: 4711, ref: [refs/heads/main, refs/tags/*] }, preset: main, tenant: shop }\n' +
    '      - { when: { repository_id: 4711, protected: false }, preset: pull-request, write: "pr-{ref}" }\n' +
    '      - { when: { sub: x }, read: [main, nightly], rights: [cache, files] }\n';
  assert.deepEqual(issuersIn(issuer(rules)), [
    {
      issuer: 'https://ci.example',
      audience: 'https://cache.example',
      jwksUri: undefined,
      rules: [
        {
          when: { repository_id: ['4711'], ref: ['refs/heads/main', 'refs/tags/*'] },
          tenant: 'shop',
          writeScope: 'main',
          readScopes: ['main'],
          rights: new Set(['cache', 'files', 'objects', 'builds']),
        },
        {
          when: { repository_id: ['4711'], protected: ['false'] },
          tenant: 'default',
          writeScope: 'pr-{ref}',
          readScopes: ['main', 'pr-{ref}'],
          rights: new Set(['cache']),
        },
        {
          when: { sub: ['x'] },
          tenant: 'default',
          writeScope: undefined,
          readScopes: ['main', 'nightly'],
          rights: new Set(['cache', 'files']),
        },
      ],
    },
  ]);
});

test('a rule’s numbers are what is written, to the letter', () => {
  const rules =
    '      - { when: { ref: [2.0, 1.10, 0123, 0x10, 12345678901234567890, 1e3] }, preset: main }\n';
  const [{ rules: [rule] = [] } = {}] = issuersIn(issuer(rules));
  assert.deepEqual(rule?.when, { ref: ['2.0', '1.10', '0123', '0x10', '12345678901234567890', '1e3'] });
});

test('what is wrong with an issuer is told with its place', () => {
  const rule = (terms: string, url?: string): string =>
    mistakesIn(issuer(`      - ${terms}\n`, url)).join('\n');
  const open = 'https://token.actions.githubusercontent.com';
  const cases: readonly [string, RegExp][] = [
    [rule('{ when: { ref: x }, preset: pull-request, write: main }'), /5:\d+: .*never writes "main"/],
    [rule('{ when: { ref: x }, preset: developer, write: x }'), /a developer writes nothing/],
    [rule('{ when: { ref: x } }'), /5:9: oidc\.0\.rules\.0: has no meaning yet/],
    [rule('{ when: {}, preset: main }'), /names no claim: it would let in whoever the issuer knows/],
    [rule('{ when: { ref: [] }, preset: main }'), /oidc\.0\.rules\.0\.when\.ref/],
    [rule('{ when: { ref: x }, write: "{ref}", read: [main] }'), /words followed by claims in braces/],
    [rule('{ when: { ref: x }, write: "pr-{ ref }" }'), /words followed by claims in braces/],
    [rule('{ when: { ref: x }, write: "pr-{}" }'), /words followed by claims in braces/],
    [rule('{ when: { ref: x }, write: Main }'), /words followed by claims in braces/],
    [rule('{ when: { ref: x }, preset: main }', 'http://ci.example'), /2:13: .*an https:\/\/ URL/],
    [rule('{ when: { ref: x }, preset: main }', 'http://127.0.0.1.ci.example'), /an https:\/\/ URL/],
    [
      rule('{ when: { ref: x }, preset: main }', open),
      /anybody can have a token of this issuer: .*repository_id/,
    ],
    [rule('{ when: { repository: acme/* }, preset: main }', open), /anybody can have a token of this issuer/],
    [rule('{ when: { ref: x }, preset: pull-request, write: "pr-${ref}" }'), /write \{ref\} for a claim/],
    [
      mistakesIn(`${issuer('      - { when: { ref: x }, preset: main }\n')}tokens: 5\n`).join(),
      /tokens: expected a list/,
    ],
    [
      mistakesIn('oidc:\n  - issuer: https://ci.example\n').join(),
      /audience: is missing.*rules: is missing/s,
    ],
  ];
  for (const [found, expected] of cases) assert.match(found, expected);
  const twice = issuer('      - { when: { ref: x }, preset: main }\n');
  assert.match(mistakesIn(twice + twice.replace('oidc:\n', '')).join(), /oidc\.1\.issuer: is there twice/);
});

test('issuers on loopback need no TLS', () => {
  for (const url of ['http://127.0.0.1:8080', 'http://localhost', 'http://[::1]:80/x'])
    assert.equal(issuersIn(issuer('      - { when: { ref: x }, preset: main }\n', url)).length, 1);
});
