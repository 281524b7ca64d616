import { bearerToken, duration, secret, text } from '../config/kinds.ts';
import type { Checked, Mistake } from '../config/mistake.ts';
import type { Settings, Values } from '../config/setting.ts';
import { readTokenFile } from './token-file.ts';

export const authSettings = {
  authToken: {
    key: 'auth.token',
    kind: bearerToken(),
    doc: 'One token for everything, sent as `Authorization: Bearer …`. Required where there is no `auth.tokens_file`.',
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
} as const satisfies Settings;

export type AuthSettings = Values<typeof authSettings>;

/** What is wrong with the settings together, or with the file they name. */
export function authMistakes({ authToken, authTokensFile }: AuthSettings): readonly Mistake[] {
  if (authTokensFile !== undefined) return mistakesOf(readTokenFile(authTokensFile));
  return authToken === undefined ? [NO_TOKENS] : [];
}

const NO_TOKENS: Mistake = {
  source: 'VC_AUTH_TOKEN',
  message:
    'is not set. Every client must send a token: set VC_AUTH_TOKEN (or VC_AUTH_TOKEN_FILE) to a long random text, for instance from `openssl rand -hex 32`; or make tokens with `velocity token new --file tokens.yml` and set VC_AUTH_TOKENS_FILE=tokens.yml.',
};

function mistakesOf(checked: Checked<unknown>): readonly Mistake[] {
  return checked.ok ? [] : checked.mistakes;
}
