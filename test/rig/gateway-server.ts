import type { AddressInfo } from 'node:net';
import { Registry } from '@prometheus-io/client';
import { type Access, presetTerms } from '../../src/auth/access.ts';
import { limitMetrics } from '../../src/auth/limits/metrics.ts';
import { RateLimits } from '../../src/auth/limits/rate-limits.ts';
import type { LimitSettings } from '../../src/auth/limits/settings.ts';
import { authMetrics } from '../../src/auth/metrics.ts';
import { generatePresignKeys } from '../../src/auth/presign-keys.ts';
import { type PresignedMethod, PresignedPaths, signPath } from '../../src/auth/presigned-path.ts';
import { digestOf } from '../../src/base/digest.ts';
import type { Bucket } from '../../src/buckets/bucket.ts';
import { Gateway } from '../../src/doors/gateway/gateway.ts';
import { FastPath } from '../../src/http/fast-path.ts';
import { createListener } from '../../src/http/listener.ts';
import { httpMetrics } from '../../src/http/metrics.ts';
import { RequestRecords } from '../../src/http/request-records.ts';
import { TrustedProxies } from '../../src/http/trusted-proxies.ts';
import { LocalStore } from '../../src/storage/drivers/local/local-store.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { openLogger } from '../../src/telemetry/logger.ts';
import { openAuthenticator } from './authenticator.ts';
import { openBucketObjects } from './bucket-objects.ts';
import { ManualClock } from './manual-clock.ts';
import { openTempFolder } from './temp-folder.ts';

export interface GatewayServerOptions {
  /** In place of a folder of this server's own, as the buckets `media` and, immutable, `frozen`. */
  readonly store?: ObjectStore;
  /** Where they write, where that is not `store`. */
  readonly writesTo?: ObjectStore;
  readonly maxMemory?: number;
  readonly maxObjectSize?: number;
  /** Larger objects are read in pages. */
  readonly pageSize?: number;
  readonly maxUploadBytes?: number;
  readonly limits?: Partial<LimitSettings>;
  /** How long nothing may move on a connection; without it as everywhere. */
  readonly idleTimeoutMs?: number;
  /** Answers from memory come from before Node's parser. */
  readonly isFast?: boolean;
}

/** The gateway on a socket of its own, over a folder. A token's text is its name: `objects`, or `cache`, which has no right here. */
export class GatewayServer implements AsyncDisposable {
  readonly url: string;
  readonly store: ObjectStore;
  readonly registry: Registry;
  readonly clock: ManualClock;
  /** Lines of the log. */
  readonly logged: readonly Record<string, unknown>[];
  readonly #sign: (method: PresignedMethod, bucket: string, path: string, expiresAt: number) => string;
  readonly #close: () => Promise<void>;

  private constructor(
    parts: Pick<GatewayServer, 'url' | 'store' | 'registry' | 'clock' | 'logged'>,
    sign: (method: PresignedMethod, bucket: string, path: string, expiresAt: number) => string,
    close: () => Promise<void>,
  ) {
    ({ url: this.url, store: this.store, registry: this.registry } = parts);
    ({ clock: this.clock, logged: this.logged } = parts);
    this.#sign = sign;
    this.#close = close;
  }

  static async start(options: GatewayServerOptions = {}): Promise<GatewayServer> {
    const { maxMemory = 1024 * 1024, maxObjectSize = 256 * 1024, isFast = false } = options;
    const folder = await openTempFolder();
    const store = options.store ?? (await LocalStore.open({ root: folder.path }));
    const [registry, clock] = [new Registry(), new ManualClock(Date.now())];
    const logged: Record<string, unknown>[] = [];
    const logger = openLogger('info', { write: (line) => void logged.push(JSON.parse(line)) });
    const recording = { logger, metrics: httpMetrics(registry), clock, requestLog: 'none' } as const;
    const app = createListener(recording);
    const others = { tenant: 'default', expiresAt: undefined };
    const accesses: Access[] = (['objects', 'cache'] as const).map((right) => ({
      ...{ id: right, ...others, ...presetTerms('developer'), rights: new Set([right]) },
    }));
    accesses.push({ id: 'stranger', ...others, ...presetTerms('admin'), tenant: 'other' });
    const tokens = accesses.map((access) => ({ sha256: digestOf(access.id), access }));
    const keys = generatePresignKeys();
    const bucket = (id: string, immutable: boolean): Bucket => ({
      ...{ id, store, immutable },
      ...(options.writesTo && { writesTo: options.writesTo }),
    });
    const { objects } = openBucketObjects({
      buckets: [bucket('media', false), bucket('frozen', true)],
      ...{ registry, logger, clock, maxMemory, maxObjectSize, pageSize: options.pageSize },
    });
    const gateway = new Gateway({
      objects,
      authenticator: openAuthenticator(clock, { tokens }).authenticator,
      presigned: new PresignedPaths(keys.publicKey, clock),
      limits: new RateLimits(options.limits ?? {}, {
        ...{ clock, metrics: limitMetrics(registry), proxies: new TrustedProxies() },
      }),
      authMetrics: authMetrics(registry),
      maxUploadBytes: options.maxUploadBytes ?? 64 * 1024 * 1024,
      ...{ logger, clock },
    });
    const fastPath = isFast
      ? FastPath.before(app.server, {
          answer: (request, connection) => gateway.answer(request, connection),
          records: new RequestRecords(recording),
          clock,
        })
      : undefined;
    gateway.register(app);
    app.server.timeout = options.idleTimeoutMs ?? app.server.timeout;
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    return new GatewayServer(
      { url: `http://127.0.0.1:${port}`, store, registry, clock, logged },
      (method, ofBucket, path, expiresAt) =>
        signPath({ method, bucket: ofBucket, path }, expiresAt, keys.privateKey),
      async () => {
        app.server.closeAllConnections();
        fastPath?.cutAll();
        await app.close();
        await objects.close();
        await folder[Symbol.asyncDispose]();
      },
    );
  }

  /** With the token that has the right to objects. */
  async fetch(
    path: string,
    init: RequestInit = {},
    token: string | undefined = 'objects',
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    return fetch(this.url + path, { ...init, headers });
  }

  async put(
    path: string,
    body: string | Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.fetch(path, { method: 'PUT', body: Buffer.from(body), headers });
  }

  /** A URL that opens one request for a minute. */
  signed(
    method: PresignedMethod,
    bucket: string,
    path: string,
    expiresAt = this.clock.now() + 60_000,
  ): string {
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    return `/${bucket}/${encoded}?sig=${this.#sign(method, bucket, path, expiresAt)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
