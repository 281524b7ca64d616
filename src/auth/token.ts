import { randomBytes } from 'node:crypto';
import { type Digest, digestOf } from '../base/digest.ts';
import { Secret } from '../base/secret.ts';

const ID_BYTES = 5;
const SECRET_BYTES = 32;

/** A token as it is made: the one time that its text is known to us. */
export interface NewToken {
  readonly id: string;
  /** `vc_<id>_<secret>`: 10 hex digits and 32 random bytes in base64url. An id holds no `_`, so the second one ends it. */
  readonly token: Secret;
  /** Of the whole token; all that is kept. The secret is random and long, so a plain digest cannot be guessed back. */
  readonly sha256: Digest;
}

export function newToken(): NewToken {
  const id = randomBytes(ID_BYTES).toString('hex');
  const token = `vc_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { id, token: new Secret(token), sha256: digestOf(token) };
}

/** The text with every token in it cut to `vc_<id>_***`, for what quotes a file that somebody put one into. */
export function maskTokens(text: string): string {
  return text.replaceAll(/\b(vc_[a-z0-9-]+)_[\w-]{20,}/g, '$1_***');
}
