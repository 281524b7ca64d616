import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAuthenticator } from '../../test/rig/authenticator.ts';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { StubStore } from '../../test/rig/stub-store.ts';
import { BlobUrls } from '../auth/blob-url.ts';
import { registerExchange } from '../auth/exchange-route.ts';
import { UploadUrls } from '../auth/upload-url.ts';
import { Secret } from '../base/secret.ts';
import { registerBuildCache } from '../doors/build-cache/door.ts';
import { createListener } from '../http/listener.ts';
import { TrustedProxies } from '../http/trusted-proxies.ts';
import { AuditLog } from '../telemetry/audit-log.ts';
import { openLogger } from '../telemetry/logger.ts';
import { Health, registerHealth } from './health.ts';
import { openMetrics, registerMetrics } from './metrics.ts';
import { RESERVED_NAMES } from './reserved-names.ts';

test('every route of the server begins with a reserved name, but those below a Bazel client’s own base', async () => {
  const clock = new ManualClock();
  const logger = openLogger('silent');
  const metrics = openMetrics('0');
  const store = new StubStore();
  const secret = new Secret('a secret of the server');
  const app = createListener({ logger, metrics: metrics.http, clock, requestLog: 'none' });
  const seen = new Set<string>();
  app.addHook('onRoute', ({ url }) => void seen.add(url.split('/')[1] ?? ''));

  registerHealth(app, new Health(store, clock, logger));
  registerMetrics(app, metrics);
  const { authenticator } = openAuthenticator(clock, { tokens: [] });
  registerExchange(app, authenticator, metrics.auth);
  registerBuildCache(app, {
    store,
    authenticator,
    urls: new BlobUrls(secret),
    uploadUrls: new UploadUrls(secret),
    audit: new AuditLog(undefined, clock, logger),
    proxies: new TrustedProxies(),
    metrics: metrics.buildCache,
    authMetrics: metrics.auth,
    logger,
    clock,
    publicUrl: undefined,
    urlTtlSeconds: 60,
    maxArtifactBytes: 1000,
    gradleOversize: 'drop',
    turborepoRequireTag: [],
    actionResults: 'complete',
    version: '0',
  });
  await app.ready();
  assert.ok(seen.size > 10, [...seen].join());
  assert.deepEqual(
    [...seen].filter((name) => !RESERVED_NAMES.has(name)),
    [':base1'],
  );
  await app.close();
});
