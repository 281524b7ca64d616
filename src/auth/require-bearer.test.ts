import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { systemClock } from '../base/clock.ts';
import { Secret } from '../base/secret.ts';
import { createListener } from '../http/listener.ts';
import { httpMetrics } from '../http/metrics.ts';
import { openLogger } from '../telemetry/logger.ts';
import { BearerTokens } from './bearer.ts';
import { authMetrics } from './metrics.ts';
import { requireBearer } from './require-bearer.ts';

const registry = new Registry();
const metrics = authMetrics(registry);
const app = createListener({
  logger: openLogger('silent'),
  metrics: httpMetrics(registry),
  clock: systemClock,
  requestLog: 'none',
});
const tokens = new BearerTokens(new Map([['ci', new Secret('the-token')]]));
let bodiesRead = 0;
app.post('/closed', { onRequest: requireBearer(tokens, metrics) }, async () => {
  bodiesRead++;
  return 'open';
});
after(() => app.close());

async function post(headers: Record<string, string>) {
  return app.inject({ method: 'POST', url: '/closed', payload: { any: 'body' }, headers });
}

async function failures(reason: string): Promise<number> {
  const { values } = await metrics.failures.get();
  return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
}

test('a known token is let in', async () => {
  const reply = await post({ authorization: 'Bearer the-token' });
  assert.deepEqual([reply.statusCode, reply.body], [200, 'open']);
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
