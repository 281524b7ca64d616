import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { openAuthenticator } from '../../../test/rig/authenticator.ts';
import { openBucketObjects } from '../../../test/rig/bucket-objects.ts';
import { heapBytes } from '../../../test/rig/heap-bytes.ts';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { StubStore } from '../../../test/rig/stub-store.ts';
import { type Access, presetTerms } from '../../auth/access.ts';
import { limitMetrics } from '../../auth/limits/metrics.ts';
import { RateLimits } from '../../auth/limits/rate-limits.ts';
import { digestOf } from '../../base/digest.ts';
import { simpleRequestIn } from '../../http/simple-request.ts';
import { TrustedProxies } from '../../http/trusted-proxies.ts';
import { openLogger } from '../../telemetry/logger.ts';
import { HotObjects } from './hot-objects.ts';

const REQUESTS = 115_000;
const MIB = 1024 * 1024;

/** One object in memory, `/media/hot`, and a token to read it with. */
async function openHot(): Promise<HotObjects> {
  const [clock, registry] = [new ManualClock(0), new Registry()];
  const { objects, memory } = openBucketObjects({
    buckets: [{ id: 'media', store: new StubStore(), immutable: false }],
    ...{ registry, clock, logger: openLogger('silent') },
  });
  const meta = { etag: 'e', modifiedAt: 0, contentType: 'text/plain', fields: {} };
  memory.set('media/hot', { meta, bytes: Buffer.from('hot') }, 3);
  const access: Access = {
    ...presetTerms('developer'),
    ...{ id: 'reader', tenant: 'default', expiresAt: undefined, rights: new Set(['objects']) },
  };
  const tokens = [{ sha256: digestOf('secret'), access }];
  return new HotObjects({
    objects,
    authenticator: openAuthenticator(clock, { tokens }).authenticator,
    limits: new RateLimits({}, { clock, metrics: limitMetrics(registry), proxies: new TrustedProxies() }),
  });
}

for (const [what, targetOf] of [
  ['objects', (n) => `/media/${n}${'x'.repeat(200)}`],
  ['signatures', (n) => `/media/hot?sig=${n}${'x'.repeat(200)}`],
  ['queries', (n) => `/media/hot?${n}`],
] as const satisfies [string, (n: number) => string][])
  test(`nothing is remembered of more than 100,000 requests for different ${what} that were not answered`, async (t) => {
    const hot = await openHot();
    const ask = (target: string, token: string) => {
      const piece = Buffer.from(
        `GET ${target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      );
      const request = simpleRequestIn(piece);
      assert.ok(request);
      return hot.answer(request, {});
    };
    assert.ok(ask('/media/hot', 'secret'));
    const before = heapBytes();
    for (let n = 0; n < REQUESTS; n++) assert.equal(ask(targetOf(n), 'unknown'), undefined);
    const grown = heapBytes() - before;
    t.diagnostic(`${(grown / MIB).toFixed(1)} MiB`);
    assert.ok(grown < 4 * MIB, `${grown}`);
    assert.ok(ask('/media/hot', 'secret'));
  });
