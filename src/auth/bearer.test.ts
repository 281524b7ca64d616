import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../base/secret.ts';
import { BearerTokens } from './bearer.ts';

function tokens(known: Readonly<Record<string, string>>): BearerTokens {
  return new BearerTokens(new Map(Object.entries(known).map(([id, token]) => [id, new Secret(token)])));
}

test('each of several tokens speaks for its own principal', () => {
  const known = tokens({ ci: 'token-one', laptop: 'token-two', other: 'a-longer-token-three' });
  assert.deepEqual(known.authenticate('Bearer token-one'), { tokenId: 'ci' });
  assert.deepEqual(known.authenticate('Bearer token-two'), { tokenId: 'laptop' });
  assert.deepEqual(known.authenticate('Bearer a-longer-token-three'), { tokenId: 'other' });
});

test('the scheme is read in any case, and blanks around the token do not count', () => {
  const known = tokens({ ci: 'token' });
  for (const header of ['bearer token', 'BEARER   token', 'Bearer token  ']) {
    assert.deepEqual(known.authenticate(header), { tokenId: 'ci' }, header);
  }
});

test('a header that is not one token of the scheme is nobody', () => {
  const known = tokens({ ci: 'token' });
  const headers = [
    undefined,
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
  for (const header of headers) assert.equal(known.authenticate(header), undefined, header);
});

test('a token that differs in any character is nobody', () => {
  const token = 'c0ffee-Token';
  const known = tokens({ ci: token });
  fc.assert(
    fc.property(
      fc.nat({ max: token.length }),
      fc.stringMatching(/^[!-~]{0,2}$/),
      fc.nat({ max: 2 }),
      (at, put, cut) => {
        const altered = token.slice(0, at) + put + token.slice(at + cut);
        fc.pre(altered !== token);
        assert.equal(known.authenticate(`Bearer ${altered}`), undefined, altered);
      },
    ),
  );
});

test('where no token is known everybody is nobody', () => {
  assert.equal(tokens({}).authenticate('Bearer anything'), undefined);
});

test('what is kept of the tokens does not show them', () => {
  assert.ok(!JSON.stringify(Object.entries(tokens({ ci: 'token-one' }))).includes('token-one'));
});
