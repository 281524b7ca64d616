import { generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { sendJson } from './json-api.ts';
import { Refusal } from './refusal.ts';
import type { Account } from './v4-signature.ts';

const EMAIL = 'builder@test-project.iam.gserviceaccount.com';
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

/** Google's side of credentials: a service account with its key, tokens, and IAM's signatures. */
export class TestIdentity implements Account {
  readonly email = EMAIL;
  readonly publicKey: KeyObject;
  /** Whether IAM signs for the account (`iam.serviceAccounts.signBlob`). */
  maySign = true;
  readonly #privateKey: KeyObject;
  readonly #tokens = new Set<string>();

  constructor() {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.publicKey = pair.publicKey;
    this.#privateKey = pair.privateKey;
  }

  get privateKeyPem(): string {
    return this.#privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  /**
   * A service account key file. The auth library fetches tokens from oauth2.googleapis.com whatever
   * `token_uri` says; in a universe of its own it signs its bearer tokens with the key instead.
   */
  async writeKeyFile(folder: string): Promise<string> {
    const file = {
      type: 'service_account',
      project_id: 'test-project',
      private_key_id: 'test-key',
      private_key: this.privateKeyPem,
      client_email: EMAIL,
      universe_domain: 'test.invalid',
    };
    return write(join(folder, 'key.json'), file);
  }

  /** Workload identity federation: a token of another issuer is exchanged, no key is at hand. */
  async writeFederationFile(folder: string, url: string): Promise<string> {
    const subject = await write(join(folder, 'subject-token'), 'a-token-of-the-ci');
    const file = {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/ci',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${url}/sts/token`,
      service_account_impersonation_url: `${url}/v1/projects/-/serviceAccounts/${EMAIL}:generateAccessToken`,
      credential_source: { file: subject },
    };
    return write(join(folder, 'federation.json'), file);
  }

  /** Whether the request carries a token of ours, or one the account signed itself. */
  isAuthorized(request: IncomingMessage): boolean {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    return this.#tokens.has(token) || this.#isSelfSigned(token);
  }

  /** https://cloud.google.com/iam/docs/reference/sts/rest, https://cloud.google.com/iam/docs/reference/credentials/rest */
  async answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (path === '/sts/token') {
      const subject = new URLSearchParams(await text(request)).get('subject_token');
      if (subject !== 'a-token-of-the-ci') return sendJson(response, 400, { error: 'invalid_grant' });
      return sendJson(response, 200, {
        access_token: this.#issue(),
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 3600,
      });
    }
    if (!this.isAuthorized(request)) throw new Refusal(401, 'authError');
    if (path.endsWith(`/${EMAIL}:generateAccessToken`)) {
      const expireTime = new Date(Date.now() + 3_600_000).toISOString();
      return sendJson(response, 200, { accessToken: this.#issue(), expireTime });
    }
    if (!path.endsWith(`/${EMAIL}:signBlob`)) throw new Refusal(404, 'notFound');
    if (!this.maySign) throw new Refusal(403, 'forbidden');
    const { payload } = (await json(request)) as { payload: string };
    const signedBlob = sign('sha256', Buffer.from(payload, 'base64'), this.#privateKey).toString('base64');
    sendJson(response, 200, { keyId: 'test-key', signedBlob });
  }

  #issue(): string {
    const token = `ya29.${randomBytes(24).toString('base64url')}`;
    this.#tokens.add(token);
    return token;
  }

  /** https://google.aip.dev/auth/4111 */
  #isSelfSigned(token: string): boolean {
    const [head = '', claims = '', signature = ''] = token.split('.');
    const signed = Buffer.from(`${head}.${claims}`);
    if (!verify('sha256', signed, this.publicKey, Buffer.from(signature, 'base64url'))) return false;
    const { iss, scope, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<
      string,
      unknown
    >;
    return iss === EMAIL && String(scope).includes(SCOPE) && Number(exp) * 1000 > Date.now();
  }
}

async function write(path: string, content: unknown): Promise<string> {
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  return path;
}
