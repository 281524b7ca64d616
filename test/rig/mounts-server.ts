import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Registry } from '@prometheus-io/client';
import { type Access, presetTerms, type Right } from '../../src/auth/access.ts';
import { authMetrics } from '../../src/auth/metrics.ts';
import { digestOf } from '../../src/base/digest.ts';
import type { Bucket } from '../../src/buckets/bucket.ts';
import type { BucketObjects } from '../../src/buckets/bucket-objects.ts';
import { fileAddress } from '../../src/doors/files/file-address.ts';
import { registerMounts } from '../../src/doors/files/mounts/mount-routes.ts';
import { type ConfiguredMount, MountTable } from '../../src/doors/files/mounts/mount-table.ts';
import type { MountedContext } from '../../src/doors/files/mounts/mounted-context.ts';
import { handleMounted } from '../../src/doors/files/mounts/mounted-files.ts';
import { answerJson } from '../../src/http/json.ts';
import { createListener, type HttpApp } from '../../src/http/listener.ts';
import { httpMetrics } from '../../src/http/metrics.ts';
import { toProblem, writeProblem } from '../../src/http/problem.ts';
import { leaveBodiesUnread, rawRoute } from '../../src/http/raw-route.ts';
import { drainRest } from '../../src/http/transfer.ts';
import { TrustedProxies } from '../../src/http/trusted-proxies.ts';
import { LocalStore } from '../../src/storage/drivers/local/local-store.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { AuditLog } from '../../src/telemetry/audit-log.ts';
import { openLogger } from '../../src/telemetry/logger.ts';
import { openAuthenticator } from './authenticator.ts';
import { openBucketObjects } from './bucket-objects.ts';
import { ManualClock } from './manual-clock.ts';
import { openTempFolder } from './temp-folder.ts';

export interface MountsServerOptions {
  readonly configured?: readonly ConfiguredMount[];
  /** In place of a folder, as the store `media`. */
  readonly store?: ObjectStore;
}

/**
 * Mounts on a socket of their own: `/files/…` that lies on one, and `/api/v1/mounts`. Stores: `media`; `other`; `frozen`,
 * which is immutable; `both`, which reads `media` and writes `other`. A token's text is its right.
 */
export class MountsServer implements AsyncDisposable {
  readonly url: string;
  readonly mounts: MountTable;
  readonly objects: BucketObjects;
  /** Lines of the audit log and of the other. */
  readonly logged: readonly Record<string, unknown>[];
  readonly #close: () => Promise<void>;

  private constructor(
    parts: Pick<MountsServer, 'url' | 'mounts' | 'objects' | 'logged'>,
    close: () => Promise<void>,
  ) {
    ({ url: this.url, mounts: this.mounts, objects: this.objects, logged: this.logged } = parts);
    this.#close = close;
  }

  static async start({ configured = [], store }: MountsServerOptions = {}): Promise<MountsServer> {
    const folder = await openTempFolder();
    const stateFolder = join(folder.path, 'state');
    await mkdir(stateFolder);
    const [registry, clock] = [new Registry(), new ManualClock(Date.now())];
    const logged: Record<string, unknown>[] = [];
    const logger = openLogger('info', { write: (line) => void logged.push(JSON.parse(line)) });
    const media = store ?? (await LocalStore.open({ root: join(folder.path, 'media') }));
    const other = await LocalStore.open({ root: join(folder.path, 'other') });
    const frozen = await LocalStore.open({ root: join(folder.path, 'frozen') });
    const buckets: Bucket[] = [
      { id: 'media', store: media, immutable: false },
      { id: 'other', store: other, immutable: false },
      { id: 'frozen', store: frozen, immutable: true },
      { id: 'both', store: media, writesTo: other, immutable: false },
    ];
    const { objects } = openBucketObjects({ buckets, registry, logger, clock });
    const mounts = await MountTable.open({
      ...{ configured, stateFolder, logger, clock },
      buckets: objects.buckets,
    });
    const tokens = (['files', 'admin', 'cache'] as const).map((right) => tokenOf(right));
    const app = createListener({ logger, metrics: httpMetrics(registry), clock, requestLog: 'none' });
    registerMounts(app, {
      mounts,
      authenticator: openAuthenticator(clock, { tokens }).authenticator,
      authMetrics: authMetrics(registry),
      audit: new AuditLog(undefined, clock, logger),
      proxies: new TrustedProxies(),
    });
    registerFiles(app, contextOf(objects, mounts));
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    return new MountsServer({ url: `http://127.0.0.1:${port}`, mounts, objects, logged }, async () => {
      app.server.closeAllConnections();
      await app.close();
      await objects.close();
      await folder[Symbol.asyncDispose]();
    });
  }

  /** As a token with one right, that of files where none is given. */
  async send(method: string, path: string, body?: unknown, token: Right = 'files'): Promise<Answer> {
    const isJson = typeof body === 'object';
    return this.fetch(
      path,
      {
        method,
        ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : String(body) }),
        headers: isJson ? { 'content-type': 'application/json' } : {},
      },
      token,
    );
  }

  async fetch(path: string, init: RequestInit, token: Right = 'files'): Promise<Answer> {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    const response = await fetch(this.url + path, { ...init, headers });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true && text !== '';
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

function tokenOf(right: Right): { sha256: ReturnType<typeof digestOf>; access: Access } {
  const others = { tenant: 'default', expiresAt: undefined, ...presetTerms('developer') };
  return { sha256: digestOf(right), access: { id: right, ...others, rights: new Set([right]) } };
}

/** As far as the door of files is needed. */
function registerFiles(app: HttpApp, context: MountedContext): void {
  app.register(async (plugin) => {
    const scope = plugin as HttpApp;
    leaveBodiesUnread(scope);
    const handler = rawRoute(
      async (request, response) => {
        const at = context.mounts.mountAt(fileAddress(request.url).path);
        if (!at) return answerJson(response, 418, {});
        await handleMounted(request, response, at, context);
        if (!request.raw.complete) drainRest(request.raw);
      },
      (error, request, response) => {
        writeProblem(response, toProblem(error, request.id));
        if (!request.raw.complete) drainRest(request.raw);
      },
    );
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'POST'] as const)
      scope.route({ method, url: '/files/*', exposeHeadRoute: false, handler });
    scope.head('/files/*', handler);
  });
}

function contextOf(objects: BucketObjects, mounts: MountTable): MountedContext {
  const [sent, received] = [() => () => {}, () => () => {}];
  return { objects, mounts, maxUploadBytes: 1024 * 1024, sent, received };
}
