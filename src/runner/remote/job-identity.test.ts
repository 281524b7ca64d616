import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../../test/rig/free-port.ts';
import { OidcIssuer } from '../../../test/rig/oidc-issuer.ts';
import { ScriptedGateway } from '../../../test/rig/scripted-gateway.ts';
import { exchangeIdentity, type JobIdentity, jobIdentity } from './job-identity.ts';

const TIMEOUT_MS = 5_000;

function identityOf(env: NodeJS.ProcessEnv): JobIdentity {
  const identity = jobIdentity(env);
  assert.ok(identity);
  return identity;
}

function gatewayThat(answers: number, body: object): Promise<ScriptedGateway> {
  return ScriptedGateway.start((request) => request.json(answers, body));
}

test('a job has an identity where GitHub lets it ask for one, or where a variable holds it', () => {
  const actions = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'y' };
  assert.equal(jobIdentity(actions)?.from, 'github-actions');
  assert.equal(jobIdentity({ VELOCITY_ID_TOKEN: 'x', ...actions })?.from, 'variable');
  for (const env of [{}, { VELOCITY_ID_TOKEN: '' }, { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x' }])
    assert.equal(jobIdentity(env), undefined);
});

test('GitHub is asked for a token for the audience, and the gateway is sent that one', async () => {
  await using issuer = await OidcIssuer.start();
  await using gateway = await gatewayThat(200, { token: 'ours' });
  const options = { url: `${gateway.url}/`, audience: 'us & them', timeoutMs: TIMEOUT_MS };
  const token = await exchangeIdentity(identityOf(issuer.jobEnv), options);
  assert.equal(token.reveal(), 'ours');
  const [request] = gateway.requests;
  assert.equal(request?.path, '/auth/oidc/exchange');
  const sent = (JSON.parse(String(request?.body)) as { token: string }).token;
  const claims = JSON.parse(String(Buffer.from(sent.split('.')[1] ?? '', 'base64url'))) as { aud: string };
  assert.equal(claims.aud, 'us & them');
});

test('whoever does not play along is named, with what to do, and no token is', async () => {
  await using issuer = await OidcIssuer.start();
  await using refusing = await gatewayThat(401, {});
  await using other = await gatewayThat(200, { no: 'token' });
  await using limiting = await gatewayThat(429, {});
  await using lost = await gatewayThat(503, {});
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const given = identityOf({ VELOCITY_ID_TOKEN: 'the.id.token' });
  const wrongSecret = { ...issuer.jobEnv, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'wrong-secret' };
  const cases: [JobIdentity, string, RegExp][] = [
    [given, refusing.url, /exchange answered 401 to the token of this job\. Has its token file a rule/],
    [given, other.url, /exchange answered 200 .* Is remote\.url the gateway’s own address\?/],
    [given, limiting.url, /answered 429 .* The gateway limits requests\.$/],
    [given, lost.url, /answered 503 .* The gateway’s log has more\.$/],
    [given, nobody, /\/auth\/oidc\/exchange could not be asked: .*ECONNREFUSED/],
    [identityOf(wrongSecret), other.url, /GitHub answered 404 .* "permissions: id-token: write"\?/],
  ];
  for (const [identity, url, says] of cases) {
    await assert.rejects(
      exchangeIdentity(identity, { url, audience: 'us', timeoutMs: TIMEOUT_MS }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'NO_IDENTITY');
        assert.match(error.message, says);
        assert.ok(!/the\.id\.token|wrong-secret/.test(error.message));
        return true;
      },
    );
  }
});

test('what cannot be sent is not quoted: a secret of several lines, a password in an address', async () => {
  await using issuer = await OidcIssuer.start();
  const job = (changes: NodeJS.ProcessEnv): JobIdentity => identityOf({ ...issuer.jobEnv, ...changes });
  const withPassword = issuer.jobEnv['ACTIONS_ID_TOKEN_REQUEST_URL']?.replace('//', '//user:hidden@');
  for (const identity of [
    job({ ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'hidden\nhidden' }),
    job({ ACTIONS_ID_TOKEN_REQUEST_URL: withPassword }),
  ]) {
    await assert.rejects(
      exchangeIdentity(identity, { url: 'http://unused.example', audience: 'us', timeoutMs: TIMEOUT_MS }),
      (error: Error) =>
        /\/job-token could not be asked: /.test(error.message) && !/hidden/.test(error.message),
    );
  }
});

test('a password in the gateway’s address is no obstacle: the token is sent, as in every other request', async () => {
  await using gateway = await gatewayThat(200, { token: 'ours' });
  const url = gateway.url.replace('//', '//user:hidden@');
  const given = identityOf({ VELOCITY_ID_TOKEN: 'the.id.token' });
  const token = await exchangeIdentity(given, { url, audience: 'us', timeoutMs: TIMEOUT_MS });
  assert.equal(token.reveal(), 'ours');
});

test('an exchange is broken off when it is told to', async () => {
  const closing = new AbortController();
  await using mute = await ScriptedGateway.start(() => closing.abort());
  const given = identityOf({ VELOCITY_ID_TOKEN: 'the.id.token' });
  const options = { url: mute.url, audience: 'us', timeoutMs: 600_000, signal: closing.signal };
  await assert.rejects(exchangeIdentity(given, options), { code: 'NO_IDENTITY' });
});
