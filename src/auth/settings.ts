import { bearerToken } from '../config/kinds.ts';
import type { Settings, Values } from '../config/setting.ts';

export const authSettings = {
  authToken: {
    key: 'auth.token',
    kind: bearerToken(),
    required:
      'is not set. Every client must send this token: set VC_AUTH_TOKEN (or VC_AUTH_TOKEN_FILE) to a long random text, for instance from `openssl rand -hex 32`.',
    doc: 'Shared secret that clients send as `Authorization: Bearer …`.',
  },
} as const satisfies Settings;

export type AuthSettings = Values<typeof authSettings>;
