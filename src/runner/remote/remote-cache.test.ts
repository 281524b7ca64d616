import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { type GatewayRequest, reply, ScriptedGateway } from '../../../test/rig/scripted-gateway.ts';
import { until } from '../../../test/rig/until.ts';
import type { CacheKey } from '../../base/cache-key.ts';
import { digestOf } from '../../base/digest.ts';
import { Secret } from '../../base/secret.ts';
import { RemoteCache } from './remote-cache.ts';

const KEY = 'ab'.repeat(32) as CacheKey;

/** The client, a gateway that answers as scripted, and time that moves by hand. */
async function open(script: (request: GatewayRequest, gateway: ScriptedGateway) => void) {
  const gateway = await ScriptedGateway.start(script);
  const clock = new ManualClock();
  const givenUp: string[] = [];
  const remote = new RemoteCache({
    url: gateway.url,
    token: async () => new Secret('a-token'),
    timeoutMs: 600_000,
    clock,
    onGivenUp: (why) => givenUp.push(why),
    onTrouble: (why) => givenUp.push(why),
    onReadOnly: () => {},
  });
  return {
    gateway,
    clock,
    remote,
    givenUp,
    /** Lets time pass once the gateway has refused so many requests and the client waits. */
    async waitAfter(requests: number, ms: number): Promise<void> {
      await until(async () => gateway.requests.length === requests && clock.isWaitedFor(ms));
      clock.advance(ms);
    },
    async [Symbol.asyncDispose]() {
      await remote.close();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

function refuse({ response }: GatewayRequest, retryAfter: string): void {
  response.writeHead(429, { 'retry-after': retryAfter }).end('{}');
}

function answerFound(request: GatewayRequest): void {
  reply(request, { download: { status: 'found', url: '/a', method: 'GET', size: 1, digest: digestOf('a') } });
}

test('a gateway that soon takes the next request is asked again, when it said', async () => {
  await using rig = await open((request, { requests }) =>
    requests.length === 1 ? refuse(request, '2') : answerFound(request),
  );
  const finding = rig.remote.find([KEY]);
  await rig.waitAfter(1, 2000);
  assert.deepEqual([...(await finding).keys()], [KEY]);
  assert.deepEqual(rig.givenUp, []);
});

test('one that refuses again is given up, and the run has waited no longer than that', async () => {
  await using rig = await open((request) => refuse(request, '2'));
  const finding = rig.remote.find([KEY]);
  await rig.waitAfter(1, 2000);
  assert.equal((await finding).size, 0);
  assert.equal(rig.gateway.requests.length, 2);
  assert.equal(rig.remote.isUsable, false);
  assert.match(
    rig.givenUp.join(),
    /answered 429\. The gateway limits requests and bytes, and takes the next in 2\.0 s/,
  );
});

test('a long wait, or one that is not told in seconds, is not waited for', async () => {
  for (const retryAfter of ['6', '3600', '9999999999', 'Wed, 21 Oct 2026 07:28:00 GMT', '-1', '']) {
    await using rig = await open((request) => refuse(request, retryAfter));
    assert.equal((await rig.remote.find([KEY])).size, 0, retryAfter);
    assert.equal(rig.gateway.requests.length, 1, retryAfter);
  }
});

test('a run waits five seconds in all, however often it is asked to', async () => {
  await using rig = await open((request, { requests }) =>
    requests.length % 2 === 1 ? refuse(request, '2') : answerFound(request),
  );
  for (const requests of [1, 3]) {
    const finding = rig.remote.find([KEY]);
    await rig.waitAfter(requests, 2000);
    assert.equal((await finding).size, 1);
  }
  assert.equal((await rig.remote.find([KEY])).size, 0);
  assert.equal(rig.gateway.requests.length, 5);
  assert.equal(rig.remote.isUsable, false);
});

test('a run that ends does not wait, asks no more and says nothing', async () => {
  await using rig = await open((request) => refuse(request, '5'));
  const finding = rig.remote.find([KEY]);
  await until(async () => rig.clock.isWaitedFor(5000));
  await rig.remote.close();
  assert.equal((await finding).size, 0);
  assert.equal(rig.gateway.requests.length, 1);
  assert.deepEqual(rig.givenUp, []);
});

test('a token that is still being got is given up with everything else when the remote is closed', async () => {
  let signal: AbortSignal | undefined;
  const remote = new RemoteCache({
    url: 'http://unused.example',
    token: (closing) =>
      new Promise((_resolve, reject) => {
        signal = closing;
        closing.addEventListener('abort', () => reject(closing.reason as Error));
      }),
    timeoutMs: 600_000,
    clock: new ManualClock(),
    onGivenUp: assert.fail,
    onTrouble: assert.fail,
    onReadOnly: assert.fail,
  });
  const finding = remote.find([KEY]);
  await until(async () => signal !== undefined);
  await remote.close();
  assert.equal((await finding).size, 0);
});
