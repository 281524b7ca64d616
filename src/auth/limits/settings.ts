import { byteRate, requestRate } from '../../config/kinds.ts';
import type { Settings, Values } from '../../config/setting.ts';

export const limitSettings = {
  limitRequests: {
    key: 'limit.requests',
    kind: requestRate(),
    doc: 'What each token may ask, where the token file says nothing else of it.',
  },
  limitBytes: {
    key: 'limit.bytes',
    kind: byteRate(),
    doc: 'What each token may be handed out URLs for, up and down together, where the token file says nothing else of it.',
  },
  limitAddressRequests: {
    key: 'limit.address_requests',
    kind: requestRate(),
    doc: 'What each client address may ask, looked at before any token.',
  },
  limitAddressBytes: {
    key: 'limit.address_bytes',
    kind: byteRate(),
    doc: 'What may pass through this server for each client address, up and down together.',
  },
} as const satisfies Settings;

export type LimitSettings = Values<typeof limitSettings>;
