import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { UnsecuredJWT } from 'jose';
import { openAuthenticator } from '../../test/rig/authenticator.ts';
import { systemClock } from '../base/clock.ts';
import { digestOf } from '../base/digest.ts';
import { createListener } from '../http/listener.ts';
import { httpMetrics } from '../http/metrics.ts';
import { openLogger } from '../telemetry/logger.ts';
import { everything } from './access.ts';
import { authMetrics } from './metrics.ts';
import { accessOf, requireBearer, requireRight } from './require-bearer.ts';

const registry = new Registry();
const metrics = authMetrics(registry);
const logged: string[] = [];
const app = createListener({
  logger: openLogger('info', { write: (line) => void logged.push(line) }),
  metrics: httpMetrics(registry),
  clock: systemClock,
  requestLog: 'all',
});
const { authenticator } = openAuthenticator(systemClock, {
  tokens: [
    { sha256: digestOf('the-token'), access: everything('ci') },
    { sha256: digestOf('files-only'), access: { ...everything('docs'), rights: new Set(['files']) } },
    { sha256: digestOf('gone'), access: { ...everything('old'), expiresAt: 0 } },
  ],
  issuers: [{ issuer: 'http://127.0.0.1:1', audience: 'us', rules: [] }],
});
let bodiesRead = 0;
const hooks = [requireBearer(authenticator, metrics), requireRight('cache', metrics)];
app.post('/closed', { onRequest: hooks }, async (request) => {
  bodiesRead++;
  return accessOf(request).id;
});
after(() => app.close());

async function post(headers: Record<string, string>) {
  return app.inject({ method: 'POST', url: '/closed', payload: { any: 'body' }, headers });
}

async function failures(reason: string): Promise<number> {
  const { values } = await metrics.failures.get();
  return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
}

test('a known token is let in, and the route learns what it means', async () => {
  const reply = await post({ authorization: 'Bearer the-token' });
  assert.deepEqual([reply.statusCode, reply.body], [200, 'ci']);
});

test('a known token without the right is 403, before the body is read', async () => {
  const [before, read] = [await failures('no-right'), bodiesRead];
  const reply = await post({ authorization: 'Bearer files-only' });
  assert.deepEqual([reply.statusCode, reply.json().code], [403, 'FORBIDDEN']);
  assert.equal((await failures('no-right')) - before, 1);
  assert.equal(bodiesRead, read);
});

test('an expired token is answered like one that never was', async () => {
  const [expired, unknown] = [
    await post({ authorization: 'Bearer gone', 'x-request-id': 'same' }),
    await post({ authorization: 'Bearer never-was', 'x-request-id': 'same' }),
  ];
  assert.equal(expired.statusCode, 401);
  assert.equal(expired.body, unknown.body);
  assert.deepEqual(Object.keys(expired.headers), Object.keys(unknown.headers));
});

test('a token whose issuer cannot be asked for its keys is told to come again: 503', async () => {
  const token = new UnsecuredJWT({ iss: 'http://127.0.0.1:1' }).encode();
  const reply = await post({ authorization: `Bearer ${token}x` });
  assert.deepEqual([reply.statusCode, reply.json().code], [503, 'ISSUER_UNAVAILABLE']);
  assert.equal(await failures('issuer-unavailable'), 1);
});

test('the log line of a request names the token’s id, and never the token', async () => {
  logged.length = 0;
  for (const token of ['the-token', 'files-only', 'gone', 'never-was']) {
    await post({ authorization: `Bearer ${token}` });
  }
  const ids = logged.map((line) => (JSON.parse(line) as { tokenId?: string }).tokenId);
  assert.deepEqual(ids, ['ci', 'docs', undefined, undefined]);
  assert.ok(!/the-token|files-only|gone|never-was/.test(logged.join('')));
});

test('a request without a token, or with an unknown one, is 401 with a challenge and counted by its reason', async () => {
  for (const [headers, reason] of [
    [{}, 'no-token'],
    [{ authorization: 'Bearer another-token' }, 'unknown-token'],
  ] as const) {
    const [before, read] = [await failures(reason), bodiesRead];
    const reply = await post({ ...headers });
    assert.equal(reply.statusCode, 401);
    assert.match(String(reply.headers['www-authenticate']), /^Bearer realm=/);
    assert.equal(reply.json().code, 'UNAUTHORIZED');
    assert.equal((await failures(reason)) - before, 1, reason);
    assert.equal(bodiesRead, read);
  }
});

test('the answer to an unknown token does not repeat it', async () => {
  const reply = await post({ authorization: 'Bearer do-not-repeat-me' });
  assert.ok(!`${JSON.stringify(reply.headers)}${reply.body}`.includes('do-not-repeat-me'));
});
