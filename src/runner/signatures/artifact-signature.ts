import type { CacheKey } from '../../base/cache-key.ts';
import type { Digest } from '../../base/digest.ts';
import { type ArtifactSignature, parseArtifactSignature } from '../../wire/artifact-signature.ts';
import type { PublicKey, SigningKey } from './signing-key.ts';

/** What a signature says: these bytes are the result of this key, made for this scope. */
export interface SignedArtifact {
  readonly tenant: string;
  /** Whose entries it is among: what was signed for a pull request is not main's. */
  readonly scope: string;
  readonly key: CacheKey;
  /** SHA-256 of the artifact's bytes. */
  readonly digest: Digest;
  readonly sizeBytes: number;
}

const VERSION = 'velocity-artifact-signature-v1';

export function signArtifact(artifact: SignedArtifact, key: SigningKey): ArtifactSignature {
  const { id } = key.publicKey;
  const signature = parseArtifactSignature(`${id}.${key.sign(textOf(artifact, id)).toString('base64url')}`);
  if (signature === undefined) throw new Error('unreachable: a signature of another form');
  return signature;
}

/** Whether this key signed this artifact. */
export function fits(signature: ArtifactSignature, artifact: SignedArtifact, key: PublicKey): boolean {
  const { keyId, bytes } = partsOf(signature);
  return keyId === key.id && key.verifies(textOf(artifact, keyId), bytes);
}

export function keyIdOf(signature: ArtifactSignature): string {
  return partsOf(signature).keyId;
}

/**
 * What is signed, one part a line:
 *
 *     velocity-artifact-signature-v1
 *     <tenant>/<scope>
 *     <cache key>
 *     <SHA-256>
 *     <bytes>
 *     <key id>
 *
 * Names hold neither slash nor line break (`isScopeName`), the other parts are digits: no two artifacts have one text.
 */
function textOf({ tenant, scope, key, digest, sizeBytes }: SignedArtifact, keyId: string): string {
  return [VERSION, `${tenant}/${scope}`, key, digest, sizeBytes, keyId].join('\n');
}

function partsOf(signature: ArtifactSignature): { keyId: string; bytes: Buffer } {
  const [keyId = '', encoded = ''] = signature.split('.');
  return { keyId, bytes: Buffer.from(encoded, 'base64url') };
}
