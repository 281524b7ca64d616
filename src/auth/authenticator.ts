import type { Clock } from '../base/clock.ts';
import type { Secret } from '../base/secret.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Access } from './access.ts';
import { type BearerTokens, bearerOf } from './bearer.ts';
import { ExchangedTokens } from './exchanged-tokens.ts';
import { looksLikeJwt, type OidcRefusal, type OidcVerifier, type Vouched } from './oidc.ts';

/** Nobody is let in, and why: for the metrics. */
export interface Refusal {
  readonly refusal: 'no-token' | 'unknown-token' | OidcRefusal;
}

export interface AuthenticatorOptions {
  readonly tokens: BearerTokens;
  readonly oidc: OidcVerifier;
  readonly exchanged: ExchangedTokens;
  /** How long a token that was exchanged is known, in milliseconds. */
  readonly exchangeTtlMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface SeenToken {
  readonly header: string;
  readonly access: Access;
  /** `BearerTokens.replacements` when it was looked up. */
  readonly asOf: number;
}

/** Knows every kind of bearer token there is. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  /** The last token of each connection that was known. */
  readonly #seen = new WeakMap<object, SeenToken>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * Who sends an `Authorization` header, where that is a token of this server's own; costs no wait.
   * @param connection on which it came. The same client sends the same header with each request: that it is the one it
   *   sent before costs less to see than what it means, and tells nobody anything of another's.
   */
  known(header: string | undefined, connection?: object): Access | undefined {
    if (header === undefined) return undefined;
    const { tokens, clock } = this.#options;
    const before = connection && this.#seen.get(connection);
    if (before?.header === header && before.asOf === tokens.replacements) {
      const { access } = before;
      if (access.expiresAt === undefined || clock.now() < access.expiresAt) return access;
    }
    const token = bearerOf(header);
    const access = token === undefined ? undefined : tokens.authenticate(token);
    if (access && connection) this.#seen.set(connection, { header, access, asOf: tokens.replacements });
    return access;
  }

  /** Who sends an `Authorization` header. */
  async authenticate(header: string | undefined): Promise<{ readonly access: Access } | Refusal> {
    if (header === undefined) return { refusal: 'no-token' };
    const token = bearerOf(header);
    const known = token === undefined ? undefined : this.#options.tokens.authenticate(token);
    if (known) return { access: known };
    if (token !== undefined && ExchangedTokens.isOne(token)) {
      const vouched = await this.#options.exchanged.read(token);
      return vouched ? this.#grant(vouched) : { refusal: 'unknown-token' };
    }
    return token !== undefined && looksLikeJwt(token)
      ? this.#grant(await this.#verify(token))
      : { refusal: 'unknown-token' };
  }

  /**
   * A token of ours for an issuer's, which is often known for some minutes only. It opens the same.
   * One that was exchanged is not exchanged again: somebody would keep it alive for ever.
   */
  async exchange(issued: string): Promise<{ readonly token: Secret; readonly access: Access } | Refusal> {
    const { exchanged, exchangeTtlMs, clock } = this.#options;
    if (!looksLikeJwt(issued)) return { refusal: 'unknown-token' };
    const vouched = await this.#verify(issued);
    if ('refusal' in vouched) return vouched;
    const longer = { ...vouched, expiresAt: clock.now() + exchangeTtlMs };
    const granted = this.#grant(longer);
    return 'refusal' in granted ? granted : { token: await exchanged.issue(longer), ...granted };
  }

  async #verify(token: string): Promise<Vouched | Refusal> {
    const verified = await this.#options.oidc.verify(token);
    if ('refusal' in verified) this.#options.logger.warn(verified, 'the token of an issuer was refused');
    return verified;
  }

  #grant(vouched: Vouched | Refusal): { readonly access: Access } | Refusal {
    if ('refusal' in vouched) return vouched;
    const access = this.#options.oidc.grant(vouched);
    if ('refusal' in access) {
      // An operator who writes rules needs to see what they were held against.
      const { issuer, claims } = vouched;
      this.#options.logger.warn({ ...access, issuer, claims }, 'the token of an issuer was refused');
      return access;
    }
    return { access };
  }
}
