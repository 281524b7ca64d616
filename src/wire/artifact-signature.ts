declare const signatureBrand: unique symbol;

/**
 * Whose an artifact is, by whom it was made: `<key id>.<signature>`, the first 16 hex digits of the public key's
 * SHA-256 and the 64 bytes of an Ed25519 signature (RFC 8032) in base64url. Made and checked by runners; the gateway
 * keeps it and sees to its form.
 */
export type ArtifactSignature = string & { readonly [signatureBrand]: true };

/** The name of the metadata that holds it. */
export const SIGNATURE_METADATA = 'signature';

/** The last of 86 letters has four bits to spare, so that only these four end a signature. */
const FORM = /^[0-9a-f]{16}\.[A-Za-z0-9_-]{85}[AQgw]$/;

/** `undefined` where the text is not of this form. Whether it fits anything is another question. */
export function parseArtifactSignature(text: string): ArtifactSignature | undefined {
  return FORM.test(text) ? (text as ArtifactSignature) : undefined;
}
