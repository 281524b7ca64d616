import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import { HttpServer } from './http-server.ts';

const LIFETIME_S = 300;

/**
 * An OpenID Connect issuer with a key of its own, on loopback: discovery and keys, and, as GitHub Actions has it for
 * its jobs, an address that gives a token to whoever has the job's own secret.
 */
export class OidcIssuer implements AsyncDisposable {
  readonly url: string;
  /** Paths it was asked for, in order. */
  readonly asked: readonly string[];
  /** What the tokens of the job's address say, besides `iss`, `aud`, `exp` and `iat`. */
  jobClaims: Readonly<Record<string, unknown>> = {};
  readonly jobSecret = 'secret-of-the-job';
  readonly #server: HttpServer;
  readonly #key: KeyObject;
  readonly #now: () => number;

  private constructor(server: HttpServer, key: KeyObject, asked: readonly string[], now: () => number) {
    this.url = server.url;
    this.#server = server;
    this.#key = key;
    this.asked = asked;
    this.#now = now;
  }

  /** @param now milliseconds since the epoch, for its tokens */
  static async start(now: () => number = Date.now): Promise<OidcIssuer> {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' };
    const asked: string[] = [];
    const server = await HttpServer.start(async (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://issuer');
      asked.push(pathname);
      const answer = async (): Promise<object | undefined> => {
        if (pathname === '/.well-known/openid-configuration') return { jwks_uri: `${server.url}/keys` };
        if (pathname === '/keys') return { keys: [jwk] };
        if (pathname !== '/job-token' || request.headers.authorization !== `bearer ${issuer.jobSecret}`)
          return undefined;
        return { value: await issuer.sign({ ...issuer.jobClaims, aud: searchParams.get('audience') }) };
      };
      const document = await answer();
      response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(document ?? {}));
    });
    const issuer = new OidcIssuer(server, privateKey, asked, now);
    return issuer;
  }

  /** What GitHub Actions puts into the environment of a job that may have identity tokens. */
  get jobEnv(): Record<string, string> {
    return {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${this.url}/job-token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: this.jobSecret,
    };
  }

  sign(claims: Readonly<Record<string, unknown>>, { key = this.#key, kid = 'key-1' } = {}): Promise<string> {
    const now = Math.floor(this.#now() / 1000);
    return new SignJWT({ iss: this.url, exp: now + LIFETIME_S, iat: now, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid })
      .sign(key);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}
