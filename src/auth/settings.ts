import { bearerToken, duration, secret, text } from '../config/kinds.ts';
import type { Checked, Mistake } from '../config/mistake.ts';
import type { Resolution } from '../config/resolve-settings.ts';
import type { Settings, Values } from '../config/setting.ts';
import { privateKey, publicKey, publicKeyOf } from './presign-keys.ts';
import { readTokenFile } from './token-file.ts';

export const authSettings = {
  authToken: {
    key: 'auth.token',
    kind: bearerToken(),
    doc: 'One token for everything, sent as `Authorization: Bearer …`. Required where there is no `auth.tokens_file`, but not of an object gateway alone.',
  },
  /** The plural keeps it clear of `VC_AUTH_TOKEN_FILE`, which names a file that holds that one token. */
  authTokensFile: {
    key: 'auth.tokens_file',
    kind: text(),
    doc: 'YAML file with any number of tokens, each with what it may read and write (`velocity token` writes it), and with the OpenID Connect issuers whose tokens are taken. Read again when it changes and on SIGHUP.',
  },
  urlSecret: {
    key: 'url.secret',
    kind: secret(),
    doc: 'Signs the URLs of this server’s own blob routes and the tokens it gives for those of issuers; replicas share it. Without it `auth.token` does; without both, a new one with each start.',
  },
  exchangeTtl: {
    key: 'auth.exchange_ttl',
    kind: duration(),
    default: 3600_000,
    doc: 'How long a token is known that was given for one of an OpenID Connect issuer.',
  },
  presignPublicKey: {
    key: 'auth.public_key',
    kind: publicKey(),
    doc: 'Checks presigned URLs of the object gateway. `velocity keygen` makes it and its private key. Without it, that of `auth.private_key`.',
  },
  presignPrivateKey: {
    key: 'auth.private_key',
    kind: privateKey(),
    doc: 'Signs URLs of the object gateway, as `velocity sign` does. A server that only checks them needs the public key alone.',
  },
  gatewayToken: {
    key: 'auth.bearer_token',
    kind: bearerToken(),
    doc: 'One token for all objects of the object gateway, to read and to write, and for nothing else. Without it presigned URLs alone open them.',
  },
} as const satisfies Settings;

export type AuthSettings = Values<typeof authSettings>;

/** Whether anybody could be let in to the build cache; without a token of its own that door stays closed. */
export function opensBuildCache({
  authToken,
  authTokensFile,
}: Pick<AuthSettings, 'authToken' | 'authTokensFile'>): boolean {
  return authToken !== undefined || authTokensFile !== undefined;
}

/** The key that presigned URLs are checked with; `undefined` where none opens anything. */
export function presignPublicKeyOf({
  presignPublicKey,
  presignPrivateKey,
}: Pick<AuthSettings, 'presignPublicKey' | 'presignPrivateKey'>): string | undefined {
  return presignPublicKey ?? (presignPrivateKey && publicKeyOf(presignPrivateKey));
}

/**
 * What is wrong with who is let in, or with the file that tells of them.
 * @param hasStores whether there is an object gateway, which has ways of its own to let clients in
 * @param hasFiles whether there is a folder of files, which presigned URLs open, too
 */
export function authMistakes(
  settings: AuthSettings,
  hasStores: boolean,
  hasFiles: boolean,
): readonly Mistake[] {
  const { authTokensFile, gatewayToken } = settings;
  if (authTokensFile !== undefined) return mistakesOf(readTokenFile(authTokensFile));
  const opensSigned = presignPublicKeyOf(settings) !== undefined;
  const opensGateway = gatewayToken !== undefined || opensSigned;
  if (opensBuildCache(settings) || (hasStores && opensGateway) || (hasFiles && opensSigned)) return [];
  return [hasStores ? NO_GATEWAY_TOKENS : NO_TOKENS];
}

/** Whether both keys of presigned URLs are of one pair, where both are given. */
export function presignKeyMistakes({ values, sources }: Resolution<typeof authSettings>): readonly Mistake[] {
  const { presignPublicKey, presignPrivateKey } = values;
  if (presignPublicKey === undefined || presignPrivateKey === undefined) return [];
  if (publicKeyOf(presignPrivateKey) === presignPublicKey) return [];
  const message =
    'auth.public_key: is not the public key of auth.private_key: leave it out, or take both from one `velocity keygen`.';
  return [sources.presignPublicKey.mistake(message)];
}

const NO_GATEWAY_TOKENS: Mistake = {
  source: 'auth',
  message:
    'nothing is set that would let a client in. For the stores set auth.public_key, for presigned URLs (`velocity keygen` makes one), or auth.bearer_token, or both; for a build cache beside them VC_AUTH_TOKEN.',
};

const NO_TOKENS: Mistake = {
  source: 'VC_AUTH_TOKEN',
  message:
    'is not set. Every client must send a token: set VC_AUTH_TOKEN (or VC_AUTH_TOKEN_FILE) to a long random text, for instance from `openssl rand -hex 32`; or make tokens with `velocity token new --file tokens.yml` and set VC_AUTH_TOKENS_FILE=tokens.yml.',
};

function mistakesOf(checked: Checked<unknown>): readonly Mistake[] {
  return checked.ok ? [] : checked.mistakes;
}
