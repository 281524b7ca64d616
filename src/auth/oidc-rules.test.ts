import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Access } from './access.ts';
import type { Claims } from './claims.ts';
import { grant, type OidcRule } from './oidc-rules.ts';

const ISSUER = 'https://issuer.example';
const EXPIRES_AT = Date.UTC(2026, 5, 1);

/** As GitHub Actions gives its jobs. */
const MAIN: Claims = {
  sub: 'repo:shop/web:ref:refs/heads/main',
  repository_id: '4711',
  ref: 'refs/heads/main',
  event_name: 'push',
};
const PULL: Claims = { ...MAIN, ref: 'refs/pull/12/merge', event_name: 'pull_request' };

function rule(when: OidcRule['when'], write: string | undefined, ...read: readonly string[]): OidcRule {
  return { when, tenant: 'shop', writeScope: write, readScopes: read, rights: new Set(['cache']) };
}

const RULES = [
  rule(
    { repository_id: ['4711'], ref: ['refs/heads/main'], event_name: ['push', 'schedule'] },
    'main',
    'main',
  ),
  rule({ repository_id: ['4711'], ref: ['refs/heads/release-*'] }, 'release', 'release', 'main'),
  rule({ repository_id: ['4711'], event_name: ['pull_request'] }, 'pr-{ref}', 'main', 'pr-{ref}'),
  rule({ event_name: ['broken'] }, 'x-{none}'),
  rule({ event_name: ['half-broken'] }, 'nightly', 'nightly', 'x-{none}'),
];

function granted(claims: Claims, rules: readonly OidcRule[] = RULES): Access | undefined {
  return grant({ issuer: ISSUER, audience: 'https://cache.example', rules }, claims, EXPIRES_AT);
}

test('main’s job writes and reads main, under its issuer’s name for it and with what is said of it', () => {
  assert.deepEqual(granted(MAIN), {
    id: `${ISSUER} ${MAIN['sub']}`,
    tenant: 'shop',
    writeScope: 'main',
    readScopes: ['main'],
    rights: new Set(['cache']),
    expiresAt: EXPIRES_AT,
    claims: MAIN,
  });
});

test('a pull request’s job writes a scope of its own, and reads main first', () => {
  const { writeScope, readScopes } = granted(PULL) ?? {};
  assert.match(writeScope ?? '', /^pr-refs-pull-12-merge-[0-9a-f]{12}$/);
  assert.deepEqual(readScopes, ['main', writeScope]);
});

test('a text that ends in a star stands for all that begin so, and for nothing else', () => {
  for (const ref of ['refs/heads/release-1', 'refs/heads/release-'])
    assert.equal(granted({ ...MAIN, ref })?.writeScope, 'release', ref);
  for (const ref of ['refs/heads/release', 'xrefs/heads/release-1'])
    assert.equal(granted({ ...MAIN, ref }), undefined, ref);
});

test('the first rule that fits decides', () => {
  const rules = [rule({ event_name: ['push'] }, 'first', 'first'), ...RULES];
  assert.equal(granted(MAIN, rules)?.writeScope, 'first');
});

test('where a term does not hold, or a claim is missing that a rule or a scope needs, nothing opens', () => {
  const { repository_id: _, ...nobodys } = MAIN;
  for (const claims of [
    { ...MAIN, repository_id: '4712' },
    { ...MAIN, repository_id: '47110' },
    { ...MAIN, event_name: 'workflow_dispatch' },
    nobodys,
    { ...MAIN, event_name: 'broken' },
    { ...MAIN, event_name: 'half-broken' },
  ])
    assert.equal(granted(claims), undefined);
});

test('a rule cannot be met by what every object has', () => {
  assert.equal(
    granted(MAIN, [rule({ toString: ['function*'], constructor: ['function*'] }, 'main')]),
    undefined,
  );
});
