import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpServer } from '../http-server.ts';
import { openTempFolder, type TempFolder } from '../temp-folder.ts';
import { TestBucket } from './bucket.ts';
import { TestIdentity } from './identity.ts';
import { answerList, answerPermissions, sendJson } from './json-api.ts';
import { Refusal } from './refusal.ts';
import { assertSigned } from './v4-signature.ts';
import { answerXml } from './xml-api.ts';

const VERBS: Readonly<Record<string, string>> = { GET: 'get', HEAD: 'get', PUT: 'create', DELETE: 'delete' };

/**
 * As much of Google Cloud Storage as our driver uses, on 127.0.0.1, and as strict: tokens, V4
 * signatures, permissions and generations are checked, and a body that is cut short is not stored. No
 * registry has such a server: Google's own testbench is not published and checks no signatures.
 */
export class GcsServer implements AsyncDisposable {
  readonly identity = new TestIdentity();
  /** What the service account may do, in every bucket; a test takes from it and gives back. */
  readonly permissions = new Set(
    ['create', 'delete', 'get', 'list'].map((verb) => `storage.objects.${verb}`),
  );
  readonly #buckets = new Map<string, TestBucket>();
  readonly #folder: TempFolder;
  readonly #http: HttpServer;

  private constructor(http: HttpServer, folder: TempFolder) {
    this.#http = http;
    this.#folder = folder;
  }

  static async start(): Promise<GcsServer> {
    let server: GcsServer | undefined;
    const http = await HttpServer.start((request, response) => server?.answer(request, response));
    server = new GcsServer(http, await openTempFolder());
    return server;
  }

  get url(): string {
    return this.#http.url;
  }

  /** The name of a new, empty bucket. */
  makeBucket(): string {
    const name = `test-${randomBytes(6).toString('hex')}`;
    this.#buckets.set(name, new TestBucket());
    return name;
  }

  /** What is in a bucket, past every check. */
  bucket(name: string): TestBucket {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw new Error(`no bucket ${name}`);
    return bucket;
  }

  /** Environment in which Google's libraries find the service account's key. */
  async keyEnv(): Promise<Record<string, string>> {
    return { GOOGLE_APPLICATION_CREDENTIALS: await this.identity.writeKeyFile(this.#folder.path) };
  }

  /** Environment in which they find workload identity federation, without a key. */
  async federationEnv(): Promise<Record<string, string>> {
    const file = await this.identity.writeFederationFile(this.#folder.path, this.url);
    return { GOOGLE_APPLICATION_CREDENTIALS: file };
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', this.url);
    const isJson = /^\/(storage\/v1|sts|v1)\//.test(pathname);
    try {
      if (pathname.startsWith('/storage/v1/')) this.#answerJson(request, response, pathname, searchParams);
      else if (isJson) await this.identity.answer(request, response, pathname);
      else await this.#answerObject(request, response, pathname, searchParams);
    } catch (error) {
      if (request.errored) return; // the client is gone
      const { status, code } = error instanceof Refusal ? error : new Refusal(500, 'InternalError');
      if (isJson) sendJson(response, status, { error: { code: status, errors: [{ reason: code }] } });
      else response.writeHead(status, { 'content-type': 'application/xml' }).end(xmlError(request, code));
    }
  }

  #answerJson(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): void {
    if (!this.identity.isAuthorized(request)) throw new Refusal(401, 'authError');
    const [, name = '', rest] = /^\/storage\/v1\/b\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const bucket = this.#buckets.get(decodeURIComponent(name));
    if (!bucket || request.method !== 'GET') throw new Refusal(404, 'notFound');
    if (rest === 'iam/testPermissions') {
      answerPermissions(query, response, this.permissions);
    } else if (rest === 'o') {
      if (!this.permissions.has('storage.objects.list')) throw new Refusal(403, 'forbidden');
      answerList(query, response, bucket);
    } else {
      throw new Refusal(404, 'notFound');
    }
  }

  async #answerObject(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<void> {
    if (query.has('X-Goog-Signature')) assertSigned(request, this.identity, Date.now());
    else if (request.headers.authorization === undefined) throw new Refusal(403, 'AccessDenied');
    else if (!this.identity.isAuthorized(request)) throw new Refusal(401, 'AuthenticationRequired');
    const [, name = '', key = ''] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const bucket = this.#buckets.get(decodeURIComponent(name));
    if (!bucket) throw new Refusal(404, 'NoSuchBucket');
    if (!this.permissions.has(`storage.objects.${VERBS[request.method ?? '']}`))
      throw new Refusal(403, 'AccessDenied');
    await answerXml(request, response, bucket, decodeURIComponent(key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

function xmlError(request: IncomingMessage, code: string): string | undefined {
  if (request.method === 'HEAD') return undefined;
  return `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>Refused.</Message></Error>`;
}
