import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { EXCHANGE_TTL_MS, openAuthenticator } from '../../test/rig/authenticator.ts';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { OidcIssuer as Issuer } from '../../test/rig/oidc-issuer.ts';
import { digestOf } from '../base/digest.ts';
import { Secret } from '../base/secret.ts';
import { openLogger } from '../telemetry/logger.ts';
import { everything } from './access.ts';
import type { Authenticator } from './authenticator.ts';
import { textClaims } from './claims.ts';
import { ExchangedTokens } from './exchanged-tokens.ts';
import type { OidcIssuer } from './oidc-rules.ts';

const NOW = Date.UTC(2026, 5, 1);
const AUDIENCE = 'https://cache.example.com';
const CLAIMS = { aud: AUDIENCE, sub: 'a job', repository_id: '4711' };

describe('Authenticator', () => {
  let issuer: Issuer;
  before(async () => {
    issuer = await Issuer.start(() => NOW);
  });
  after(() => issuer[Symbol.asyncDispose]());

  const configured = (write = 'main'): OidcIssuer => ({
    issuer: issuer.url,
    audience: AUDIENCE,
    rules: [
      {
        when: { repository_id: ['4711'] },
        tenant: 'shop',
        writeScope: write,
        readScopes: [write],
        rights: new Set(['cache']),
      },
    ],
  });
  const open = (clock = new ManualClock(NOW)) => {
    const logged: string[] = [];
    const opened = openAuthenticator(clock, {
      tokens: [{ sha256: digestOf('the-token'), access: everything('ci') }],
      issuers: [configured()],
      logger: openLogger('info', { write: (line) => void logged.push(line) }),
    });
    return { ...opened, clock, logged };
  };
  /** The scope that a token writes, or why it writes none. */
  const outcome = async (authenticator: Authenticator, token: string): Promise<string | undefined> => {
    const authentication = await authenticator.authenticate(`Bearer ${token}`);
    return 'refusal' in authentication ? authentication.refusal : authentication.access.writeScope;
  };
  const exchange = async (authenticator: Authenticator, token: string): Promise<string> => {
    const exchanged = await authenticator.exchange(token);
    return 'refusal' in exchanged ? exchanged.refusal : exchanged.token.reveal();
  };

  test('a token of a file, one of an issuer and one that was exchanged are all let in', async () => {
    const { authenticator } = open();
    const issued = await issuer.sign(CLAIMS);
    assert.equal(await outcome(authenticator, 'the-token'), 'main');
    assert.equal(await outcome(authenticator, issued), 'main');
    assert.equal(await outcome(authenticator, await exchange(authenticator, issued)), 'main');
  });

  test('nobody is anybody without a token, and with one that nobody knows', async () => {
    const { authenticator } = open();
    assert.deepEqual(await authenticator.authenticate(undefined), { refusal: 'no-token' });
    for (const token of ['x', 'vc_oidc_', 'vc_oidc_a.b.c', 'Bearer x'])
      assert.equal(await outcome(authenticator, token), 'unknown-token', token);
    assert.equal(await outcome(authenticator, 'a.b.c'), 'unknown-issuer');
  });

  test('an exchanged token outlives the issuer’s, up to its own end', async () => {
    const { authenticator, clock } = open();
    const issued = await issuer.sign(CLAIMS);
    const token = await exchange(authenticator, issued);
    clock.advance(EXCHANGE_TTL_MS - 1000);
    assert.equal(await outcome(authenticator, issued), 'invalid-jwt');
    assert.equal(await outcome(authenticator, token), 'main');
    clock.advance(1000);
    assert.equal(await outcome(authenticator, token), 'unknown-token');
  });

  test('what an exchanged token opens is what the rules say when it is used', async () => {
    const { authenticator, oidc } = open();
    const token = await exchange(authenticator, await issuer.sign(CLAIMS));
    oidc.replace([configured('nightly')]);
    assert.equal(await outcome(authenticator, token), 'nightly');
    oidc.replace([{ ...configured(), rules: [] }]);
    assert.equal(await outcome(authenticator, token), 'no-rule');
    oidc.replace([]);
    assert.equal(await outcome(authenticator, token), 'unknown-issuer');
  });

  test('only an issuer’s own token is exchanged', async () => {
    const { authenticator } = open();
    const token = await exchange(authenticator, await issuer.sign(CLAIMS));
    assert.equal(await exchange(authenticator, token), 'unknown-issuer');
    assert.equal(await exchange(authenticator, 'the-token'), 'unknown-token');
    const [, jwt = ''] = token.split('vc_oidc_');
    assert.equal(await exchange(authenticator, jwt), 'unknown-issuer');
    assert.equal(await outcome(authenticator, jwt), 'unknown-issuer');
    assert.equal(
      await exchange(authenticator, await issuer.sign({ ...CLAIMS, repository_id: '1' })),
      'no-rule',
    );
  });

  test('a server with another secret does not know it, and one that was changed is known to nobody', async () => {
    const { authenticator, clock } = open();
    const token = await exchange(authenticator, await issuer.sign(CLAIMS));
    const other = new ExchangedTokens(new Secret('another secret'), clock);
    assert.equal(await other.read(token), undefined);
    const [head = '', claims = '', signature = ''] = token.split('.');
    const changed = { ...decodeJwt(token.replace('vc_oidc_', '')), exp: NOW / 1000 + 1e6 };
    const stretched = Buffer.from(JSON.stringify(changed)).toString('base64url');
    for (const bent of [
      `${head}.${stretched}.${signature}`,
      `${head}.${claims}.`,
      `${head}.${claims}.${claims}`,
    ])
      assert.equal(await outcome(authenticator, bent), 'unknown-token');
    const none = Buffer.from('{"alg":"none","typ":"velocity-exchanged-token-v1"}').toString('base64url');
    assert.equal(await outcome(authenticator, `vc_oidc_${none}.${claims}.`), 'unknown-token');
  });

  test('the log tells why an issuer’s token was refused, what the rules were held against, and no token', async () => {
    const { authenticator, logged } = open();
    const wrong = await issuer.sign({ ...CLAIMS, aud: 'somebody else' });
    const unfit = await issuer.sign({ ...CLAIMS, repository_id: '1' });
    await outcome(authenticator, wrong);
    await outcome(authenticator, unfit);
    const [first, second] = logged.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(first?.['refusal'], 'invalid-jwt');
    assert.match(String(first?.['why']), /"aud"/);
    assert.equal(second?.['refusal'], 'no-rule');
    assert.deepEqual(second?.['claims'], { ...textClaims(decodeJwt(unfit)) });
    for (const token of [wrong, unfit]) assert.ok(!logged.join('').includes(token.split('.')[2] ?? token));
  });
});
