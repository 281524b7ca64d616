import type { FastifyRequest } from 'fastify';
import type { Access } from '../../auth/access.ts';
import type { Authenticator } from '../../auth/authenticator.ts';
import { limitToken } from '../../auth/limits/limit-hooks.ts';
import { requireBearer, requireRight } from '../../auth/require-bearer.ts';
import type { UploadUrls } from '../../auth/upload-url.ts';
import type { HttpApp } from '../../http/listener.ts';
import type { TrustedProxies } from '../../http/trusted-proxies.ts';
import type { AuditLog } from '../../telemetry/audit-log.ts';
import { registerAccess } from './access-route.ts';
import { type BlobRoutesOptions, registerBlobs } from './blob-routes.ts';
import { BlockUploads } from './compat/block-uploads.ts';
import { registerCompat } from './compat/compat-door.ts';
import { NAME as GITHUB_ACTIONS } from './compat/github-actions-key.ts';
import { allProtocols } from './compat/protocols.ts';
import { registerUploads } from './compat/upload-routes.ts';
import { UploadTallies } from './compat/upload-tallies.ts';
import { Entries } from './entries.ts';
import { refusedDeletion, registerEntries } from './entry-routes.ts';
import type { HotAnswers } from './hot-answers.ts';
import { registerNegotiate } from './negotiate-route.ts';
import { Negotiation } from './negotiation.ts';
import type { BuildCacheSettings } from './settings.ts';

export interface BuildCacheDoorOptions
  extends BlobRoutesOptions,
    Omit<BuildCacheSettings, 'memoryMaxSize' | 'memoryTtl'> {
  readonly hot?: HotAnswers | undefined;
  readonly authenticator: Authenticator;
  readonly uploadUrls: UploadUrls;
  /** How clients reach this server; without it, whatever they sent as Host. */
  readonly publicUrl: string | undefined;
  readonly urlTtlSeconds: number;
  readonly audit: AuditLog;
  /** Tells a client's address, for the audit log. */
  readonly proxies: TrustedProxies;
  /** Of this server. */
  readonly version: string;
}

/** The build cache: keys are negotiated under a token, bytes move under signed URLs. */
export function registerBuildCache(app: HttpApp, options: BuildCacheDoorOptions): void {
  const { authenticator, authMetrics, limits, audit, proxies } = options;
  const negotiation = new Negotiation(options);
  registerBlobs(app, options);
  app.register(async (scope) => {
    scope.addHook('onRequest', requireBearer(authenticator, authMetrics));
    if (limits) scope.addHook('onRequest', limitToken(limits));
    scope.addHook('onRequest', requireRight('cache', authMetrics));
    registerNegotiate(scope as HttpApp, negotiation, options);
    registerAccess(scope as HttpApp);
  });
  app.register(async (scope) => {
    const refused = (request: FastifyRequest, { id }: Access) =>
      audit.record(refusedDeletion(request, id, proxies));
    scope.addHook('onRequest', requireBearer(authenticator, authMetrics));
    if (limits) scope.addHook('onRequest', limitToken(limits));
    scope.addHook('onRequest', requireRight('admin', authMetrics, refused));
    registerEntries(scope as HttpApp, options);
  });
  const uploads = new BlockUploads(options.store, options.maxArtifactBytes);
  const tallies = new UploadTallies(options.maxArtifactBytes, limits);
  registerUploads(app, GITHUB_ACTIONS, { ...options, uploads, tallies });
  registerCompat(app, allProtocols({ ...options, uploads, tallies }), {
    ...options,
    entries: new Entries(options.store),
  });
}
