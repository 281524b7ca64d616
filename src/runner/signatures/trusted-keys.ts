import type { ArtifactSignature } from '../../wire/artifact-signature.ts';
import { fits, keyIdOf, type SignedArtifact } from './artifact-signature.ts';
import type { PublicKey } from './signing-key.ts';

/** A key whose artifacts are used. */
export interface TrustedKey {
  readonly key: PublicKey;
  /** In these scopes only; `undefined` in any that the token reads. */
  readonly scopes: readonly string[] | undefined;
}

/** Why an artifact is not used. */
export type Distrust = 'unsigned' | 'foreign-key' | 'does-not-fit' | 'wrong-scope';

/** Says of artifacts whether somebody trusted made them. */
export class TrustedKeys {
  readonly #keys: readonly TrustedKey[];

  constructor(keys: readonly TrustedKey[]) {
    this.#keys = keys;
  }

  /** @returns `undefined` where the artifact may be used, once its bytes are what its digest says */
  distrust(
    artifact: SignedArtifact,
    signature: ArtifactSignature,
  ): Exclude<Distrust, 'unsigned'> | undefined {
    const known = this.#keys.filter(({ key }) => key.id === keyIdOf(signature));
    if (known.length === 0) return 'foreign-key';
    const signers = known.filter(({ key }) => fits(signature, artifact, key));
    if (signers.length === 0) return 'does-not-fit';
    return signers.some(({ scopes }) => scopes?.includes(artifact.scope) ?? true) ? undefined : 'wrong-scope';
  }
}

const REASONS: Readonly<Record<Distrust, string>> = {
  unsigned: 'not signed',
  'foreign-key': 'signed with a key that is not trusted',
  'does-not-fit': 'with a signature of something else',
  'wrong-scope': 'in a scope for which the key is not trusted',
};

/** One sentence for all artifacts of a run that are not used. */
export function describeDistrust(found: readonly Distrust[]): string {
  const counted = Object.entries(REASONS).flatMap(([reason, text]) => {
    const count = found.filter((each) => each === reason).length;
    return count === 0 ? [] : [`${count} ${text}`];
  });
  const what =
    found.length === 1
      ? '1 artifact was not used, its task runs'
      : `${found.length} artifacts were not used, their tasks run`;
  return `remote cache: ${what}: ${counted.join(', ')} (remote.signature.trusted in velocity.yml).`;
}
