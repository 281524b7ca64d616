import type { AddressInfo } from 'node:net';
import { Registry } from '@prometheus-io/client';
import { type Access, type Preset, presetTerms } from '../../src/auth/access.ts';
import { BlobUrls } from '../../src/auth/blob-url.ts';
import { limitMetrics } from '../../src/auth/limits/metrics.ts';
import { RateLimits } from '../../src/auth/limits/rate-limits.ts';
import type { LimitSettings } from '../../src/auth/limits/settings.ts';
import { authMetrics } from '../../src/auth/metrics.ts';
import { UploadUrls } from '../../src/auth/upload-url.ts';
import { digestOf } from '../../src/base/digest.ts';
import { VelocityError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { registerBuildCache } from '../../src/doors/build-cache/door.ts';
import { HotAnswers } from '../../src/doors/build-cache/hot-answers.ts';
import { buildCacheMetrics } from '../../src/doors/build-cache/metrics.ts';
import type { ActionResultCheck } from '../../src/doors/build-cache/settings.ts';
import { FastPath } from '../../src/http/fast-path.ts';
import { createListener, type HttpApp } from '../../src/http/listener.ts';
import { httpMetrics } from '../../src/http/metrics.ts';
import { RequestRecords } from '../../src/http/request-records.ts';
import { TrustedProxies } from '../../src/http/trusted-proxies.ts';
import { LocalStore } from '../../src/storage/drivers/local/local-store.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { VerifiedStore } from '../../src/storage/verified-store.ts';
import { WatchedStore } from '../../src/storage/watched-store.ts';
import { type AuditEvent, AuditLog } from '../../src/telemetry/audit-log.ts';
import { openLogger } from '../../src/telemetry/logger.ts';
import { openAuthenticator } from './authenticator.ts';
import { ManualClock } from './manual-clock.ts';
import { openTempFolder } from './temp-folder.ts';

export interface CompatServerOptions {
  readonly actionResults?: ActionResultCheck;
  readonly maxArtifactBytes?: number;
  /** The audit log cannot be written. */
  readonly auditFails?: boolean;
  /** What is asked for again is answered from memory. */
  readonly remembers?: boolean;
  /** Put around the storage, below what the server itself puts there. */
  readonly around?: (store: ObjectStore) => ObjectStore;
  /** Default: one that stands still. */
  readonly clock?: ManualClock;
  /** Whatever is used up comes back only when the server starts anew: its clock stands still. */
  readonly limits?: Partial<LimitSettings>;
}

const PRESETS: readonly Preset[] = ['main', 'pull-request', 'developer', 'admin'];

/** A token of a build that has no business at this door. */
export const NO_CACHE = 'no-cache';

/** The build-cache door on a socket of its own, over a folder. A token's text is the name of its preset, or `NO_CACHE`. */
export class CompatServer implements AsyncDisposable {
  readonly url: string;
  readonly store: ObjectStore;
  readonly registry: Registry;
  /** What was put on record. */
  readonly audited: readonly AuditEvent[];
  readonly #close: () => Promise<void>;

  private constructor(
    url: string,
    store: ObjectStore,
    registry: Registry,
    audited: readonly AuditEvent[],
    close: () => Promise<void>,
  ) {
    this.url = url;
    this.store = store;
    this.registry = registry;
    this.audited = audited;
    this.#close = close;
  }

  static async start(options: CompatServerOptions = {}): Promise<CompatServer> {
    const folder = await openTempFolder();
    const { around = (below: ObjectStore) => below } = options;
    const opened = new VerifiedStore(around(await LocalStore.open({ root: folder.path })), () => {});
    const registry = new Registry();
    const audited: AuditEvent[] = [];
    const { app, store, close } = openApp(opened, registry, audited, options);
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    return new CompatServer(`http://127.0.0.1:${port}`, store, registry, audited, async () => {
      close();
      await app.close();
      await store.close();
      await folder[Symbol.asyncDispose]();
    });
  }

  /** @param token a preset, or anything else for one that is unknown */
  async fetch(path: string, init: RequestInit = {}, token: string = 'main'): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    return fetch(this.url + path, { ...init, headers });
  }

  async put(
    path: string,
    body: string | Uint8Array,
    token: string = 'main',
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.fetch(path, { method: 'PUT', body: Buffer.from(body), headers }, token);
  }

  /** Every object's key, sorted. */
  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list({ prefix: '' })) keys.push(key);
    return keys;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

function openApp(
  opened: ObjectStore,
  registry: Registry,
  audited: AuditEvent[],
  options: CompatServerOptions,
): { app: HttpApp; store: ObjectStore; close: () => void } {
  const { actionResults = 'complete', maxArtifactBytes = 1024 * 1024, auditFails = false } = options;
  const { clock = new ManualClock() } = options;
  const logger = openLogger('silent');
  const recording = { logger, metrics: httpMetrics(registry), clock, requestLog: 'none' } as const;
  const app = createListener(recording);
  const others = { tenant: 'default', expiresAt: undefined };
  const accesses: Access[] = PRESETS.map((id) => ({ id, ...others, ...presetTerms(id) }));
  accesses.push({ id: NO_CACHE, ...others, ...presetTerms('main'), rights: new Set(['builds']) });
  const tokens = accesses.map((access) => ({ sha256: digestOf(access.id), access }));
  const audit = new AuditLog(undefined, clock, logger);
  audit.record = (event) => {
    if (auditFails) throw new VelocityError('AUDIT_UNAVAILABLE', 'The audit log cannot be written.');
    audited.push(event);
  };
  const secret = new Secret('a secret of the server');
  const proxies = new TrustedProxies();
  const limits = new RateLimits(options.limits ?? {}, { clock, metrics: limitMetrics(registry), proxies });
  const metrics = buildCacheMetrics(registry);
  const { authenticator } = openAuthenticator(clock, { tokens });
  const knowing = { authenticator, limits, metrics, clock };
  const hot = new HotAnswers({
    maxBytes: options.remembers ? 2 ** 20 : 0,
    ttlMs: 10_000,
    lookUp: (key) => opened.head(key),
    ...knowing,
  });
  const store = new WatchedStore(opened, (key) => hot.forget(key));
  const records = new RequestRecords(recording);
  const fastPath = FastPath.before(app.server, {
    answer: (request, connection) => hot.answer(request, connection),
    records,
    clock,
  });
  registerBuildCache(app, {
    ...knowing,
    store,
    hot,
    urls: new BlobUrls(secret),
    uploadUrls: new UploadUrls(secret),
    audit,
    proxies,
    authMetrics: authMetrics(registry),
    logger,
    publicUrl: undefined,
    urlTtlSeconds: 60,
    maxArtifactBytes,
    actionResults,
    gradleOversize: 'drop',
    turborepoRequireTag: [],
    version: '1.2.3',
  });
  const close = (): void => {
    app.server.closeAllConnections();
    fastPath.cutAll();
  };
  return { app, store, close };
}
