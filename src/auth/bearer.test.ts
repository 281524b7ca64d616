import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { systemClock } from '../base/clock.ts';
import { digestOf } from '../base/digest.ts';
import { type Access, everything } from './access.ts';
import { BearerTokens, bearerOf, type KnownToken } from './bearer.ts';

function known(id: string, token: string, terms: Partial<Access> = {}): KnownToken {
  return { sha256: digestOf(token), access: { ...everything(id), ...terms } };
}

function tokens(byId: Readonly<Record<string, string>>): BearerTokens {
  return new BearerTokens(
    Object.entries(byId).map(([id, token]) => known(id, token)),
    systemClock,
  );
}

/** Whom an `Authorization` header stands for. */
function sender(known: BearerTokens, header: string): Access | undefined {
  const token = bearerOf(header);
  return token === undefined ? undefined : known.authenticate(token);
}

test('each of several tokens has its own meaning', () => {
  const several = tokens({ ci: 'token-one', laptop: 'token-two', other: 'a-longer-token-three' });
  assert.deepEqual(several.authenticate('token-one'), everything('ci'));
  assert.deepEqual(several.authenticate('token-two'), everything('laptop'));
  assert.deepEqual(several.authenticate('a-longer-token-three'), everything('other'));
});

test('the scheme is read in any case, and blanks around the token do not count', () => {
  const one = tokens({ ci: 'token' });
  for (const header of ['bearer token', 'BEARER   token', 'Bearer token  ']) {
    assert.equal(sender(one, header)?.id, 'ci', header);
  }
});

test('a password is a token, whoever the user is', () => {
  const one = tokens({ ci: 'to:ken' });
  for (const user of ['', 'anybody', 'ä']) {
    const sent = Buffer.from(`${user}:to:ken`).toString('base64');
    for (const scheme of ['Basic', 'basic']) assert.equal(sender(one, `${scheme} ${sent}`)?.id, 'ci', user);
  }
  for (const text of ['to:ken', ':', 'user', ':to:ken ', ':to:ken\n'])
    assert.equal(sender(one, `Basic ${Buffer.from(text).toString('base64')}`), undefined, text);
});

test('a header that is not one token of the scheme is nobody', () => {
  const one = tokens({ ci: 'token' });
  const headers = [
    '',
    'token',
    'Bearer',
    'Bearer ',
    'Bearertoken',
    'Basic token',
    'Bearer token token',
    'Bearer token, Bearer token',
    ' Bearer token',
    'Bearer\ttoken',
    'Bearer token\n',
    'Bearer "token"',
  ];
  for (const header of headers) assert.equal(sender(one, header), undefined, header);
});

test('a token that differs in any character is nobody', () => {
  const token = 'c0ffee-Token';
  const one = tokens({ ci: token });
  fc.assert(
    fc.property(
      fc.nat({ max: token.length }),
      fc.stringMatching(/^[!-~]{0,2}$/),
      fc.nat({ max: 2 }),
      (at, put, cut) => {
        const altered = token.slice(0, at) + put + token.slice(at + cut);
        fc.pre(altered !== token);
        assert.equal(one.authenticate(altered), undefined, altered);
      },
    ),
  );
});

test('where no token is known everybody is nobody', () => {
  assert.equal(tokens({}).authenticate('anything'), undefined);
});

test('what is kept of the tokens does not show them', () => {
  assert.ok(!JSON.stringify(Object.entries(tokens({ ci: 'token-one' }))).includes('token-one'));
});

test('a token is known up to the millisecond of its expiry and nobody from then on', () => {
  const clock = new ManualClock();
  const expiresAt = clock.now() + 1000;
  const short = new BearerTokens([known('ci', 'token', { expiresAt })], clock);
  clock.advance(999);
  assert.equal(short.authenticate('token')?.id, 'ci');
  clock.advance(1);
  assert.equal(short.authenticate('token'), undefined);
});

test('tokens that take the place of others are known at once, and the others no longer', () => {
  const changing = tokens({ old: 'token-one', both: 'token-two' });
  changing.replace([known('both', 'token-two'), known('new', 'token-three')]);
  assert.equal(changing.authenticate('token-one'), undefined);
  assert.equal(changing.authenticate('token-two')?.id, 'both');
  assert.equal(changing.authenticate('token-three')?.id, 'new');
});
