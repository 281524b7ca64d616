import { ConnectionLimit } from './connection-limit.ts';
import { FastOrigin } from './fast-origin.ts';
import { HttpOrigin } from './http-origin.ts';
import type { OriginClient } from './origin-client.ts';
import type { OriginSettings } from './origin-settings.ts';

/** The client for an origin; over TLS it is Node's for all requests. */
export function openOrigin(settings: OriginSettings): OriginClient {
  const limit = new ConnectionLimit(settings.maxConnections);
  const http = new HttpOrigin(settings, limit);
  return settings.url.startsWith('https:') ? http : new FastOrigin(settings, http, limit);
}
