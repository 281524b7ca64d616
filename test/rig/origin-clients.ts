import { HttpOrigin } from '../../src/doors/proxy/origin/http-origin.ts';
import { openOrigin } from '../../src/doors/proxy/origin/open-origin.ts';
import type { OriginClient } from '../../src/doors/proxy/origin/origin-client.ts';
import type { OriginSettings } from '../../src/doors/proxy/origin/origin-settings.ts';

/** Those that are to give the same answers. */
export const ORIGIN_CLIENTS: readonly (readonly [
  by: string,
  open: (settings: OriginSettings) => OriginClient,
])[] = [
  ['a client of Node’s', (settings) => new HttpOrigin(settings)],
  ['a client that does simple requests by itself', openOrigin],
];
