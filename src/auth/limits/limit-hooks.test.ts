import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { openAuthenticator } from '../../../test/rig/authenticator.ts';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { digestOf } from '../../base/digest.ts';
import { parseByteRate, parseRequestRate } from '../../base/rate.ts';
import { createListener, type HttpApp } from '../../http/listener.ts';
import { httpMetrics } from '../../http/metrics.ts';
import { TrustedProxies } from '../../http/trusted-proxies.ts';
import { openLogger } from '../../telemetry/logger.ts';
import { type Access, everything } from '../access.ts';
import { authMetrics } from '../metrics.ts';
import { accessOf, requireBearer, requireRight } from '../require-bearer.ts';
import { limitAddress, limitToken } from './limit-hooks.ts';
import { limitMetrics } from './metrics.ts';
import { RateLimits } from './rate-limits.ts';
import type { LimitSettings } from './settings.ts';
import type { TokenLimits } from './token-limits.ts';

const TOKENS: Readonly<Record<string, TokenLimits | undefined>> = {
  plain: undefined,
  another: undefined,
  'of-its-own': { requests: parseRequestRate('1/m') },
  unlimited: { requests: 'none' },
};

/** A route behind both hooks, as the server puts them around a door. */
class Rig implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly log: Record<string, unknown>[] = [];
  readonly limits: RateLimits;
  readonly registry = new Registry();
  bodiesRead = 0;
  readonly #app: HttpApp;

  constructor(settings: Partial<LimitSettings>, trusted: readonly string[] = []) {
    const { clock, registry } = this;
    const logger = openLogger('info', { write: (line) => void this.log.push(JSON.parse(line)) });
    this.#app = createListener({ logger, metrics: httpMetrics(registry), clock, requestLog: 'all' });
    const proxies = new TrustedProxies(trusted);
    this.limits = new RateLimits(settings, { clock, metrics: limitMetrics(registry), proxies });
    const { authenticator } = openAuthenticator(clock, {
      tokens: Object.entries(TOKENS).map(([id, limits]) => ({
        sha256: digestOf(id),
        access: { ...everything(id), limits },
      })),
    });
    this.#app.register(async (doors) => {
      if (this.limits.limitsAddresses) doors.addHook('onRequest', limitAddress(this.limits));
      doors.register(async (door) => {
        const metrics = authMetrics(registry);
        door.addHook('onRequest', requireBearer(authenticator, metrics));
        door.addHook('onRequest', limitToken(this.limits));
        door.addHook('onRequest', requireRight('cache', metrics));
        door.post('/closed', async (request) => {
          this.bodiesRead++;
          return accessOf(request).id;
        });
      });
    });
  }

  async post(token: string, remoteAddress = '192.0.2.7', headers: Record<string, string> = {}) {
    return this.#app.inject({
      method: 'POST',
      url: '/closed',
      payload: { any: 'body' },
      headers: { authorization: `Bearer ${token}`, ...headers },
      remoteAddress,
    });
  }

  /** The status of each of so many requests. */
  async statuses(count: number, ...args: Parameters<Rig['post']>): Promise<number[]> {
    const statuses: number[] = [];
    for (let index = 0; index < count; index++) statuses.push((await this.post(...args)).statusCode);
    return statuses;
  }

  async counted(name: string): Promise<Record<string, number>> {
    const metric = await this.registry.getSingleMetric(name)?.get();
    const rows = (metric?.values ?? []).map(({ labels, value }) => [Object.values(labels).join(' '), value]);
    return Object.fromEntries(rows);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
  }
}

const TWO_A_MINUTE = parseRequestRate('2/m');

test('a request too many is 429 with a problem body, before its body is read', async () => {
  await using rig = new Rig({ limitRequests: TWO_A_MINUTE });
  assert.deepEqual(await rig.statuses(2, 'plain'), [200, 200]);
  const refused = await rig.post('plain');
  assert.deepEqual([refused.statusCode, refused.json().code], [429, 'RATE_LIMITED']);
  assert.equal(refused.headers['content-type'], 'application/problem+json');
  assert.match(
    refused.json().detail,
    /This token sent more requests than its limit of 2\/m; try again in 30 s/,
  );
  assert.equal(rig.bodiesRead, 2);
});

test('Retry-After is in whole seconds, rounded up and at least one, and whoever waits so long is let in', async () => {
  for (const written of ['2/m', '7/m', '1000/s', '3/h']) {
    await using rig = new Rig({ limitRequests: parseRequestRate(written) });
    let refused = await rig.post('plain');
    while (refused.statusCode === 200) refused = await rig.post('plain');
    const wait = String(refused.headers['retry-after']);
    assert.match(wait, /^[1-9]\d*$/, written);
    rig.clock.advance(Number(wait) * 1000);
    assert.equal((await rig.post('plain')).statusCode, 200, written);
  }
});

test('each token has its own, and what the token file says of one goes before the settings', async () => {
  await using rig = new Rig({ limitRequests: TWO_A_MINUTE });
  assert.deepEqual(await rig.statuses(3, 'plain'), [200, 200, 429]);
  assert.deepEqual(await rig.statuses(3, 'another'), [200, 200, 429]);
  assert.deepEqual(await rig.statuses(2, 'of-its-own'), [200, 429]);
  assert.deepEqual(await rig.statuses(5, 'unlimited'), [200, 200, 200, 200, 200]);
});

test('without any settings a token is limited by its file alone, and addresses not at all', async () => {
  await using rig = new Rig({});
  assert.equal(rig.limits.limitsAddresses, false);
  assert.deepEqual(await rig.statuses(5, 'plain'), [200, 200, 200, 200, 200]);
  assert.deepEqual(await rig.statuses(2, 'of-its-own'), [200, 429]);
});

test('an address is looked at before its token, so that guesses are limited and cost no comparison', async () => {
  await using rig = new Rig({ limitAddressRequests: TWO_A_MINUTE });
  assert.deepEqual(await rig.statuses(4, 'guessed'), [401, 401, 429, 429]);
  assert.equal((await rig.counted('vc_auth_failures_total'))['unknown-token'], 2);
  assert.equal((await rig.post('plain')).statusCode, 429, 'a right guess is not told from a wrong one');
  assert.equal((await rig.post('plain', '192.0.2.8')).statusCode, 200);
});

test('what the address is refused costs the token nothing, and an unknown token costs none', async () => {
  await using rig = new Rig({ limitAddressRequests: TWO_A_MINUTE, limitRequests: parseRequestRate('3/m') });
  assert.deepEqual(await rig.statuses(5, 'plain'), [200, 200, 429, 429, 429]);
  assert.deepEqual(await rig.statuses(1, 'unknown', '192.0.2.8'), [401]);
  assert.deepEqual(await rig.statuses(2, 'plain', '192.0.2.9'), [200, 429]);
});

test('an IPv6 client is its /64, and an IPv4 client is the same mapped or not', async () => {
  await using rig = new Rig({ limitAddressRequests: TWO_A_MINUTE });
  const statusFrom = async (address: string): Promise<number> =>
    (await rig.post('plain', address)).statusCode;
  assert.equal(await statusFrom('2001:db8:1:2::1'), 200);
  assert.equal(await statusFrom('2001:db8:1:2:aaaa::2'), 200);
  assert.equal(await statusFrom('2001:db8:1:2:bbbb::3'), 429);
  assert.equal(await statusFrom('2001:db8:1:3::1'), 200);
  assert.equal(await statusFrom('192.0.2.7'), 200);
  assert.equal(await statusFrom('::ffff:192.0.2.7'), 200);
  assert.equal(await statusFrom('192.0.2.7'), 429);
});

test('a forged X-Forwarded-For makes no new client; behind a trusted proxy its clients are told apart', async () => {
  const settings = { limitAddressRequests: parseRequestRate('1/m') };
  const from = (address: string) => ({ 'x-forwarded-for': address });
  await using open = new Rig(settings);
  assert.equal((await open.post('plain', '10.0.0.1', from('198.51.100.1'))).statusCode, 200);
  assert.equal((await open.post('plain', '10.0.0.1', from('198.51.100.2'))).statusCode, 429);

  await using behind = new Rig(settings, ['10.0.0.0/8']);
  assert.equal((await behind.post('plain', '10.0.0.1', from('198.51.100.1'))).statusCode, 200);
  assert.equal((await behind.post('plain', '10.0.0.1', from('198.51.100.2'))).statusCode, 200);
  assert.equal((await behind.post('plain', '10.0.0.1', from('made-up, 198.51.100.2'))).statusCode, 429);
  assert.equal((await behind.post('plain', '192.0.2.7', from('198.51.100.3'))).statusCode, 200);
  assert.equal((await behind.post('plain', '192.0.2.7', from('198.51.100.4'))).statusCode, 429);
});

test('whoever is in debt with bytes waits until it is paid, and the request is not counted meanwhile', async () => {
  await using rig = new Rig({ limitBytes: parseByteRate('1kB/s'), limitRequests: TWO_A_MINUTE });
  const access: Access = everything('plain');
  assert.equal((await rig.post('plain')).statusCode, 200);
  rig.limits.tokenCharge(access, 'bytes')?.(10_000);
  const refused = await rig.post('plain');
  assert.deepEqual([refused.statusCode, refused.headers['retry-after']], [429, '10']);
  assert.match(refused.json().detail, /moved more bytes than its limit of 1000B\/s/);
  rig.clock.advance(10_000);
  assert.equal((await rig.post('plain')).statusCode, 200, 'its second request of two');
});

test('each refusal is counted by whose limit it was and what of', async () => {
  await using rig = new Rig({ limitAddressRequests: TWO_A_MINUTE, limitBytes: parseByteRate('1kB/s') });
  await rig.statuses(5, 'plain');
  rig.limits.tokenCharge(everything('another'), 'bytes')?.(10_000);
  await rig.post('another', '192.0.2.8');
  assert.deepEqual(await rig.counted('vc_rate_limited_total'), { 'address requests': 3, 'token bytes': 1 });
});

test('the log names the address of who was refused for it, and the token of who was refused for that', async () => {
  await using rig = new Rig({ limitAddressRequests: TWO_A_MINUTE, limitRequests: parseRequestRate('1/m') });
  await rig.statuses(3, 'plain');
  assert.deepEqual(
    rig.log.map(({ tokenId, client }) => [tokenId, client]),
    [
      ['plain', undefined],
      ['plain', undefined],
      [undefined, '192.0.2.7'],
    ],
  );
});

test('who has no such limit is charged for nothing', () => {
  const limits = new RateLimits(
    { limitRequests: TWO_A_MINUTE },
    { clock: new ManualClock(), metrics: limitMetrics(new Registry()), proxies: new TrustedProxies() },
  );
  assert.equal(limits.tokenCharge(everything('plain'), 'bytes'), undefined);
  assert.equal(
    limits.tokenCharge({ ...everything('x'), limits: { requests: 'none' } }, 'requests'),
    undefined,
  );
});
