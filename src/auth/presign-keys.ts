import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Secret } from '../base/secret.ts';
import type { Kind } from '../config/kinds.ts';

/**
 * Keys of presigned URLs: the 32 bytes of an Ed25519 key in base64url without padding, 43 letters, with nothing around
 * them. The keys that sign artifacts are others, and are written otherwise.
 */
const KEY_BYTES = 32;

/** JSON Web Keys of Ed25519: RFC 8037 §2. */
const JWK = { kty: 'OKP', crv: 'Ed25519' } as const;

/** What stands before the 32 bytes of a private key in DER. RFC 8410 §7 */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface PresignKeyPair {
  readonly publicKey: string;
  readonly privateKey: Secret;
}

export function generatePresignKeys(): PresignKeyPair {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { publicKey: x, privateKey: new Secret(d) };
}

/** The public key of a private one. RFC 8032 §5.1.5 */
export function publicKeyOf(privateKey: Secret): string {
  const { x = '' } = createPublicKey(privateKeyObject(privateKey)).export({ format: 'jwk' });
  return x;
}

/** @param publicKey as `publicKey()` reads it */
export function publicKeyObject(publicKey: string): KeyObject {
  return createPublicKey({ key: { ...JWK, x: publicKey }, format: 'jwk' });
}

/** Not from a JWK, which would have to name the public key besides. */
export function privateKeyObject(privateKey: Secret): KeyObject {
  const seed = Buffer.from(privateKey.reveal(), 'base64url');
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

const EXPECTS = 'as "velocity keygen" writes it: 43 letters of base64url';
const SCHEMA = { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' };

/** A public key, as text. */
export function publicKey(): Kind<string> {
  return { expects: `a public key ${EXPECTS}`, schema: SCHEMA, parse: keyText };
}

/** A private key: the seed of the pair. */
export function privateKey(): Kind<Secret> {
  return {
    expects: `a private key ${EXPECTS}`,
    schema: SCHEMA,
    isSecret: true,
    parse(raw) {
      const text = keyText(raw);
      return text === undefined ? undefined : new Secret(text);
    },
  };
}

/** Base64 has several spellings of the same bytes; one of them is a key's. */
function keyText(raw: unknown): string | undefined {
  if (typeof raw !== 'string') return undefined;
  const text = raw.trim();
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === KEY_BYTES && bytes.toString('base64url') === text ? text : undefined;
}
