import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Registry } from '@prometheus-io/client';
import { type Access, presetTerms } from '../../src/auth/access.ts';
import { limitMetrics } from '../../src/auth/limits/metrics.ts';
import { RateLimits } from '../../src/auth/limits/rate-limits.ts';
import { authMetrics } from '../../src/auth/metrics.ts';
import { generatePresignKeys } from '../../src/auth/presign-keys.ts';
import { type PresignedMethod, PresignedPaths, signPath } from '../../src/auth/presigned-path.ts';
import { digestOf } from '../../src/base/digest.ts';
import { registerFiles } from '../../src/doors/files/door.ts';
import { filesMetrics } from '../../src/doors/files/metrics.ts';
import { MountTable } from '../../src/doors/files/mounts/mount-table.ts';
import { filesOfHosts } from '../../src/doors/files/own-host.ts';
import { FILES_BUCKET } from '../../src/files/file-path.ts';
import { type OpenedFiles, openFiles } from '../../src/files/open-files.ts';
import { createListener } from '../../src/http/listener.ts';
import { httpMetrics } from '../../src/http/metrics.ts';
import { TrustedProxies } from '../../src/http/trusted-proxies.ts';
import { openLogger } from '../../src/telemetry/logger.ts';
import { openAuthenticator } from './authenticator.ts';
import { ManualClock } from './manual-clock.ts';
import { openTempFolder } from './temp-folder.ts';

export interface FilesServerOptions {
  /** In place of a folder of this server's own; whoever gives it removes it. */
  readonly root?: string;
  readonly hosts?: readonly string[];
  readonly maxUploadBytes?: number;
  /** Of larger bodies nothing but digest and length is remembered. */
  readonly maxKeptBytes?: number;
}

/** What tokens may do; the text of a token is its name. */
const ACCESSES: readonly Access[] = (
  [
    ['other-tenant', { ...presetTerms('admin'), tenant: 'other' }],
    ['main', presetTerms('main')],
    ['admin', presetTerms('admin')],
    ['developer', presetTerms('developer')],
    ['pull-request', presetTerms('pull-request')],
    ['reader', { ...presetTerms('developer'), rights: new Set(['files'] as const) }],
  ] as const
).map(([id, terms]) => ({ id, tenant: 'default', expiresAt: undefined, ...terms }));

const DAY_MS = 24 * 3600_000;

/** The door of files on a socket of its own, over a temporary folder. Time stands still until the test moves it. */
export class FilesServer implements AsyncDisposable {
  readonly url: string;
  /** The folder of the files. */
  readonly root: string;
  readonly opened: OpenedFiles;
  readonly registry: Registry;
  readonly clock: ManualClock;
  /** Lines of the log. */
  readonly logged: readonly Record<string, unknown>[];
  /** Kinds of trouble with the journal and with kept bodies. */
  readonly troubles: readonly string[];
  readonly #sign: (method: PresignedMethod, bucket: string, path: string, expiresAt: number) => string;
  readonly #close: () => Promise<void>;

  private constructor(
    parts: Pick<FilesServer, 'url' | 'root' | 'opened' | 'registry' | 'clock' | 'logged' | 'troubles'>,
    sign: (method: PresignedMethod, bucket: string, path: string, expiresAt: number) => string,
    close: () => Promise<void>,
  ) {
    ({ url: this.url, root: this.root, opened: this.opened, registry: this.registry } = parts);
    ({ clock: this.clock, logged: this.logged, troubles: this.troubles } = parts);
    this.#sign = sign;
    this.#close = close;
  }

  static async start(options: FilesServerOptions = {}): Promise<FilesServer> {
    const folder = await openTempFolder();
    const root = options.root ?? join(folder.path, 'files');
    const [registry, clock] = [new Registry(), new ManualClock(Date.now())];
    const [logged, troubles]: [Record<string, unknown>[], string[]] = [[], []];
    const logger = openLogger('info', { write: (line) => void logged.push(JSON.parse(line)) });
    const recording = { logger, metrics: httpMetrics(registry), clock, requestLog: 'none' } as const;
    const app = createListener({ ...recording, targetOf: filesOfHosts(options.hosts ?? []) });
    const opened = await openFiles(
      {
        filesHistoryMaxAge: 90 * DAY_MS,
        filesHistoryBodiesFor: 7 * DAY_MS,
        filesHistoryMaxBytes: 2 ** 30,
        filesHistoryMaxBody: options.maxKeptBytes ?? 2 ** 30,
      },
      { root, clock, onTrouble: (kind) => void troubles.push(kind) },
    );
    const tokens = ACCESSES.map((access) => ({ sha256: digestOf(access.id), access }));
    const keys = generatePresignKeys();
    const mounts = await MountTable.open({
      ...{ configured: [], buckets: new Map(), logger, clock },
      stateFolder: opened.files.folder.state,
    });
    registerFiles(app, {
      ...{ mounts, objects: undefined },
      files: opened.files,
      blobStats: () => opened.blobStats(),
      maxUploadBytes: options.maxUploadBytes ?? 256 * 1024 * 1024,
      metrics: filesMetrics(registry),
      authMetrics: authMetrics(registry),
      authenticator: openAuthenticator(clock, { tokens }).authenticator,
      limits: new RateLimits({}, { clock, metrics: limitMetrics(registry), proxies: new TrustedProxies() }),
      presigned: new PresignedPaths(keys.publicKey, clock),
      ...{ logger, clock },
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    return new FilesServer(
      { url: `http://127.0.0.1:${port}`, root, opened, registry, clock, logged, troubles },
      (method, bucket, path, expiresAt) => signPath({ method, bucket, path }, expiresAt, keys.privateKey),
      async () => {
        app.server.closeAllConnections();
        await app.close();
        await opened.close();
        await folder[Symbol.asyncDispose]();
      },
    );
  }

  /** Where a path lies on the disk. */
  at(path: string): string {
    return join(this.root, path);
  }

  /** @param token `undefined`: none at all */
  async fetch(target: string, init: RequestInit = {}, token: string | undefined = 'main'): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    return fetch(this.url + target, { ...init, headers });
  }

  /** @param target from behind `/files/` on */
  async put(
    target: string,
    body: string | Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.fetch(`/files/${target}`, { method: 'PUT', body: Buffer.from(body), headers });
  }

  /** The text at a path; a reply that is none says its status in place of it. */
  async textAt(target: string): Promise<string | number> {
    const reply = await this.fetch(`/files/${target}`);
    const text = await reply.text();
    return reply.ok ? text : reply.status;
  }

  /** The operations in the history of a path, oldest first. */
  async opsOf(path: string): Promise<readonly string[]> {
    const reply = await this.fetch(`/files/${path}?history&limit=1000`);
    const { revisions } = (await reply.json()) as { readonly revisions: readonly { readonly op: string }[] };
    return revisions.map(({ op }) => op);
  }

  /** A URL that opens one request for a minute. */
  signed(
    method: PresignedMethod,
    path: string,
    { bucket = FILES_BUCKET, expiresAt = this.clock.now() + 60_000 } = {},
  ): string {
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    return `/files/${encoded}?sig=${this.#sign(method, bucket, path, expiresAt)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

/** The code of a reply's problem. */
export async function codeOf(reply: Response): Promise<string> {
  return ((await reply.json()) as { readonly code: string }).code;
}
