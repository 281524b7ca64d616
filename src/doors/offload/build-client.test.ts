import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AskedBuild, FakeBuildServer } from '../../../test/rig/fake-build-server.ts';
import { freePort } from '../../../test/rig/free-port.ts';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { until } from '../../../test/rig/until.ts';
import { BuildClient, type BuildClientOptions } from './build-client.ts';
import type { BuildSpec } from './build-spec.ts';

const SPEC: BuildSpec = {
  rrVersion: 'v2025.1.2',
  platform: { os: 'linux', arch: 'amd64' },
  plugins: [{ moduleName: 'example.org/http', tag: 'v5.2.7' }],
  replaces: [],
  excludes: [],
  race: false,
  debug: false,
  requestId: 'b66d5617',
  forceRebuild: false,
};
const RETRY = { maxAttempts: 3, initialDelayMs: 1_000, maxDelayMs: 10_000, backoffMultiplier: 2 };
const NEVER = new AbortController().signal;

function clientOf(serverUrl: string, clock: ManualClock, options: Partial<BuildClientOptions> = {}) {
  const client = new BuildClient({
    serverUrl,
    requestTimeoutMs: 180_000,
    buildTimeoutMs: 300_000,
    retry: RETRY,
    clock,
    random: () => 1,
    ...options,
  });
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

describe('a build', () => {
  const replies = {
    'Connect’s': [
      { path: '/tmp/rr', logs: 'ok' },
      { path: '/tmp/rr', logs: 'ok', durationMs: undefined },
    ],
    'with `success`': [
      { success: true, path: '/tmp/rr', build_id: 'a', duration_ms: 58234 },
      { path: '/tmp/rr', logs: '', durationMs: 58234 },
    ],
  };
  for (const [form, [reply, built]] of Object.entries(replies))
    test(`is asked for at Connect’s address, and a reply of this form is understood: ${form}`, async () => {
      await using server = await FakeBuildServer.start((asked) => asked.answer(reply));
      using client = clientOf(`${server.url}/`, new ManualClock());
      assert.deepEqual(await client.build(SPEC, NEVER), built);
      const [asked] = server.asked;
      assert.equal(asked?.path, 'POST /api.service.v1.BuildService/Build');
      assert.deepEqual(asked?.message['plugins'], [{ module_name: 'example.org/http', tag: 'v5.2.7' }]);
    });

  const failures: Record<string, [code: string, reply: unknown, status: number, says: RegExp]> = {
    'a compile error': ['BUILD_FAILED', { code: 'internal', message: 'x.go:1: no' }, 500, /x\.go:1: no/],
    'an invalid argument': ['BUILD_FAILED', { code: 'invalid_argument', message: 'tag' }, 400, /tag/],
    'a failure with `success`': [
      'BUILD_FAILED',
      { success: false, error: 'failed to compile', code: 'BUILD_ERROR' },
      200,
      /failed to compile/,
    ],
    'a build error behind an unwell status': [
      'BUILD_FAILED',
      { success: false, code: 'BUILD_ERROR' },
      503,
      /503/,
    ],
    'no path': ['BUILD_EMPTY', { logs: `${'x'.repeat(9_000)} the end` }, 200, /…x+ the end$/],
    'no JSON': ['BUILD_SERVER_FAILED', '<html>', 200, /no reply/],
    'a path that is none': ['BUILD_SERVER_FAILED', { path: 7 }, 200, /no reply/],
  };
  for (const [what, [code, reply, status, says]] of Object.entries(failures))
    test(`that ends with ${what} fails with the reason, and is not tried again`, async () => {
      await using server = await FakeBuildServer.start((asked) => asked.answer(reply, status));
      using client = clientOf(server.url, new ManualClock());
      await assert.rejects(client.build(SPEC, NEVER), { code, message: says });
      assert.equal(server.asked.length, 1);
    });

  const passing: Record<string, (asked: AskedBuild) => void> = {
    'a reset connection': (asked) => asked.reset(),
    'a 429': (asked) => asked.answer('slow down', 429),
    'a 502 of a proxy': (asked) => asked.answer('<html>', 502),
    'Connect’s unavailable': (asked) => asked.answer({ code: 'unavailable' }, 503),
    'the same build under way there': (asked) => asked.answer({ code: 'already_exists' }, 409),
  };
  for (const [what, answer] of Object.entries(passing))
    test(`is asked for again after ${what}, later each time, and three times at most`, async () => {
      await using server = await FakeBuildServer.start(answer);
      const clock = new ManualClock();
      using client = clientOf(server.url, clock);
      const failed = assert.rejects(client.build(SPEC, NEVER), { code: 'BUILD_SERVER_FAILED', status: 502 });
      for (const pauseMs of [1_000, 2_000]) {
        await until(() => clock.isWaitedFor(pauseMs));
        clock.advance(pauseMs);
      }
      await failed;
      assert.equal(server.asked.length, 3);
    });

  test('succeeds where a later attempt does; no pause is longer than the longest', async () => {
    await using server = await FakeBuildServer.start();
    const clock = new ManualClock();
    using client = clientOf(server.url, clock, { retry: { ...RETRY, maxDelayMs: 500 }, random: () => 0 });
    const building = client.build(SPEC, NEVER);
    (await server.next()).answer('', 503);
    await until(() => clock.isWaitedFor(250));
    clock.advance(250);
    (await server.next()).answer({ path: '/tmp/rr' });
    assert.equal((await building).path, '/tmp/rr');
  });

  test('fails where nobody listens, after all attempts', async () => {
    const clock = new ManualClock();
    const reasons: string[] = [];
    using client = clientOf(`http://127.0.0.1:${await freePort()}`, clock, {
      onRetry: ({ message }) => reasons.push(message),
    });
    const failed = assert.rejects(client.build(SPEC, NEVER), { code: 'BUILD_SERVER_FAILED' });
    for (const pauseMs of [1_000, 2_000]) {
      await until(() => clock.isWaitedFor(pauseMs));
      clock.advance(pauseMs);
    }
    await failed;
    assert.match(reasons.join(), /ECONNREFUSED.*ECONNREFUSED/);
  });

  test('has its time: one request, and all of them', async () => {
    await using server = await FakeBuildServer.start();
    const clock = new ManualClock();
    using client = clientOf(server.url, clock);
    const failed = assert.rejects(client.build(SPEC, NEVER), {
      code: 'BUILD_TIMEOUT',
      message: /build_timeout/,
    });
    const first = await server.next();
    clock.advance(180_000);
    await until(() => first.isAborted);
    await until(() => clock.isWaitedFor(1_000));
    clock.advance(1_000);
    const second = await server.next();
    clock.advance(119_000);
    await failed;
    await until(() => second.isAborted);
  });

  test('that nobody wants any more is broken off, also in a pause', async () => {
    await using server = await FakeBuildServer.start();
    const clock = new ManualClock();
    using client = clientOf(server.url, clock);
    const left = new AbortController();
    const gone = assert.rejects(client.build(SPEC, left.signal), /gone/);
    const asked = await server.next();
    left.abort(new Error('gone'));
    await gone;
    await until(() => asked.isAborted);

    const leaving = new AbortController();
    const goneToo = assert.rejects(client.build(SPEC, leaving.signal), /gone/);
    (await server.next()).answer('', 503);
    await until(() => clock.isWaitedFor(1_000));
    leaving.abort(new Error('gone'));
    await goneToo;
    assert.equal(server.asked.length, 2);
  });
});
