import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { digestOf } from '../../base/digest.ts';
import { Secret } from '../../base/secret.ts';

/** Holds a private key for the runner; goes before the one in velocity.yml. */
export const SIGNING_KEY_VARIABLE = 'VELOCITY_SIGNING_KEY';

const PUBLIC_PREFIX = 'ed25519:';
const PRIVATE_PREFIX = 'ed25519-private:';
const KEY_BYTES = 32;
/** What stands before the 32 bytes in DER: SubjectPublicKeyInfo and PKCS #8. RFC 8410 §4 and §7. */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Checks signatures. As text `ed25519:` and 32 bytes in base64url. */
export class PublicKey {
  /** The first 16 hex digits of the SHA-256 of the 32 bytes: tells which of many keys to check with. */
  readonly id: string;
  readonly text: string;
  readonly #key: KeyObject;

  constructor(raw: Buffer) {
    this.id = digestOf(raw).slice(0, 16);
    this.text = PUBLIC_PREFIX + raw.toString('base64url');
    this.#key = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' });
  }

  /** `undefined` where the text is no public key. */
  static parse(text: string): PublicKey | undefined {
    const raw = bytesAfter(PUBLIC_PREFIX, text);
    return raw && new PublicKey(raw);
  }

  verifies(text: string, signature: Buffer): boolean {
    return verify(null, Buffer.from(text), this.#key, signature);
  }
}

/** Makes signatures. As text `ed25519-private:` and 32 bytes in base64url: one line, fit for a variable. */
export class SigningKey {
  readonly publicKey: PublicKey;
  readonly #seed: Buffer;
  readonly #key: KeyObject;

  private constructor(seed: Buffer) {
    this.#seed = seed;
    this.#key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(this.#key).export({ format: 'der', type: 'spki' });
    this.publicKey = new PublicKey(spki.subarray(-KEY_BYTES));
  }

  /** A new one. The seed of an Ed25519 key is any 32 random bytes. RFC 8032 §5.1.5. */
  static generate(): SigningKey {
    return new SigningKey(randomBytes(KEY_BYTES));
  }

  /** `undefined` where the text is no private key. */
  static parse(text: string): SigningKey | undefined {
    const seed = bytesAfter(PRIVATE_PREFIX, text);
    return seed && new SigningKey(seed);
  }

  get text(): Secret {
    return new Secret(PRIVATE_PREFIX + this.#seed.toString('base64url'));
  }

  sign(text: string): Buffer {
    return sign(null, Buffer.from(text), this.#key);
  }
}

/** Why a text is no public key, as the end of a sentence that does not quote it; `undefined` where it is one. */
export function publicKeyRefusal(text: string): string | undefined {
  if (PublicKey.parse(text)) return undefined;
  if (text.startsWith(PRIVATE_PREFIX))
    return 'a private key stands where a public one belongs; "velocity key public" prints its public key';
  return `expected a public key, as "velocity key new" prints it: ${PUBLIC_PREFIX} and 43 letters`;
}

/** The same of a private key. */
export function privateKeyRefusal(text: string): string | undefined {
  if (SigningKey.parse(text)) return undefined;
  if (text.startsWith(PUBLIC_PREFIX))
    return 'a public key stands where a private one belongs; it goes below "trusted"';
  return `expected a private key, as "velocity key new" prints it: ${PRIVATE_PREFIX} and 43 letters`;
}

/** The text with every private key in it cut to `ed25519-private:***`. */
export function maskPrivateKeys(text: string): string {
  return text.replaceAll(/(ed25519-private:)[\w+/=-]+/g, '$1***');
}

/** The 32 bytes after a prefix. Base64 has several spellings of the same bytes; one of them is a key's. */
function bytesAfter(prefix: string, text: string): Buffer | undefined {
  if (!text.startsWith(prefix)) return undefined;
  const raw = Buffer.from(text.slice(prefix.length), 'base64url');
  return raw.length === KEY_BYTES && prefix + raw.toString('base64url') === text ? raw : undefined;
}
