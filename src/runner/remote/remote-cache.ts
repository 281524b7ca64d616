import type { Readable } from 'node:stream';
import type { CacheKey } from '../../base/cache-key.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import type { Digest } from '../../base/digest.ts';
import { formatDuration } from '../../base/duration.ts';
import { messageOf, systemCode, VelocityError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import { ACCESS_PATH, type AccessReply, parseAccessReply } from '../../wire/access.ts';
import type { ArtifactSignature } from '../../wire/artifact-signature.ts';
import {
  MAX_BATCH_ITEMS,
  NEGOTIATE_PATH,
  type NegotiateItem,
  type NegotiateReply,
  parseNegotiateReplies,
} from '../../wire/negotiate.ts';
import { signArtifact } from '../signatures/artifact-signature.ts';
import type { SigningKey } from '../signatures/signing-key.ts';
import { type Distrust, describeDistrust, type TrustedKeys } from '../signatures/trusted-keys.ts';
import type { Answer } from './exchange.ts';
import { GatewayClient } from './gateway-client.ts';
import type { Pace } from './pace.ts';
import { readJson, retryAfterMs } from './read-answer.ts';
import { TimeoutError } from './timeout-error.ts';

export interface RemoteCacheOptions {
  readonly url: string;
  /** Asked for with the first request, and once; told when nobody waits for it any more. */
  readonly token: (closing: AbortSignal) => Promise<Secret>;
  /** How long to wait for an answer, or for a transfer that does not move on. */
  readonly timeoutMs: number;
  readonly clock?: Clock;
  /** Learns what is checked out; asked once, when something is uploaded. */
  readonly commit?: () => Promise<string | undefined>;
  /** Signs uploads. */
  readonly signingKey?: SigningKey | undefined;
  /** What none of these signed is a miss; `undefined` demands no signature. */
  readonly trusted?: TrustedKeys | undefined;
  /** Told once, when the remote is given up for this run. */
  readonly onGivenUp: (why: string) => void;
  /** Told of an artifact that could not be moved while the remote itself is well. */
  readonly onTrouble: (why: string) => void;
  /** Told once, when the gateway says that the token reads and does not write. That is no trouble: reading goes on. */
  readonly onReadOnly: () => void;
}

export interface RemoteArtifact {
  readonly url: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
}

export interface Upload {
  readonly key: CacheKey;
  readonly digest: Digest;
  readonly sizeBytes: number;
  read(): Readable | Uint8Array;
}

export type UploadOutcome = 'stored' | 'exists' | 'read-only' | 'failed';

/** A transfer that is slower on the whole is slower than most builds; it is cut, and the task runs. */
const SLOWEST_BYTES_PER_SECOND = 512 * 1024;
const MAX_REDIRECTS = 5;

/**
 * The client of the build-cache door. It never fails a build: what goes wrong is a miss. What
 * would go wrong again (unreachable, refused, not a gateway) ends its use for the run, told once.
 */
export class RemoteCache {
  readonly #options: RemoteCacheOptions;
  readonly #transferPace: Pace;
  readonly #gateway: GatewayClient;
  #commit: Promise<string | undefined> | undefined;
  #access: Promise<AccessReply | undefined> | undefined;
  readonly #reports = new Map<CacheKey, Promise<void>>();
  #givenUp = false;
  #readOnly = false;

  constructor(options: RemoteCacheOptions) {
    this.#options = options;
    const { url, token, timeoutMs, clock = systemClock } = options;
    this.#gateway = new GatewayClient({ url, token, timeoutMs, clock });
    this.#transferPace = { timeoutMs, slowestBytesPerSecond: SLOWEST_BYTES_PER_SECOND };
  }

  get isUsable(): boolean {
    return !this.#givenUp && !this.#gateway.isClosed;
  }

  /** Whether an upload may be tried: it may until the gateway says otherwise. */
  get isWritable(): boolean {
    return this.isUsable && !this.#readOnly;
  }

  /** Which of the keys are there, made by somebody who is trusted. One question for all of them. */
  async find(keys: readonly CacheKey[]): Promise<Map<CacheKey, RemoteArtifact>> {
    const found = new Map<CacheKey, RemoteArtifact>();
    const distrusted: Distrust[] = [];
    for (let start = 0; start < keys.length; start += MAX_BATCH_ITEMS) {
      const batch = keys.slice(start, start + MAX_BATCH_ITEMS);
      const replies = await this.#negotiate(batch.map((hash) => ({ hash, action: 'download' })));
      for (const [index, reply] of (replies ?? []).entries()) {
        const key = batch[index];
        if (key === undefined || reply.status !== 'found') continue;
        if (reply.digest === undefined) {
          this.#tell(
            `${this.#shown(this.#options.url)} does not know the digest of ${key}; bytes that cannot be checked are not used`,
          );
          continue;
        }
        const artifact = { url: reply.url, sizeBytes: reply.size, digest: reply.digest };
        const distrust = this.#distrust(key, artifact, reply);
        if (distrust === undefined) found.set(key, artifact);
        else distrusted.push(distrust);
      }
    }
    if (distrusted.length > 0) this.#tell(describeDistrust(distrusted));
    return found;
  }

  #distrust(
    key: CacheKey,
    { digest, sizeBytes }: RemoteArtifact,
    { signature, tenant, scope }: NegotiateReply & { status: 'found' },
  ): Distrust | undefined {
    const { trusted } = this.#options;
    if (trusted === undefined) return undefined;
    if (signature === undefined || tenant === undefined || scope === undefined) return 'unsigned';
    return trusted.distrust({ tenant, scope, key, digest, sizeBytes }, signature);
  }

  /**
   * The artifact's bytes, as they come: whoever takes them checks the digest.
   * `undefined` where they are not to be had after all.
   */
  async download(artifact: RemoteArtifact): Promise<Readable | undefined> {
    if (!this.isUsable) return undefined;
    let url = artifact.url;
    try {
      for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
        const answer = await this.#gateway.send({
          method: 'GET',
          url: this.#resolve(url),
          headers: {},
          pace: this.#transferPace,
        });
        if (answer.status === 200) return this.#acceptedBody(answer, artifact);
        answer.body.destroy();
        const { location } = answer.headers;
        if (answer.status < 300 || answer.status > 399 || location === undefined) {
          if (answer.status !== 404) this.#troubleWith(url, answer, 'downloading an artifact');
          return undefined;
        }
        url = new URL(location, this.#resolve(url)).href;
      }
      this.#giveUp(
        `${this.#shown(url)} redirects in a circle`,
        'Set remote.url to the gateway’s own address.',
      );
    } catch (error) {
      this.#giveUpAfter(error, url);
    }
    return undefined;
  }

  /**
   * Tells that bytes which were downloaded are not what they should be, and asks the gateway, past which they
   * may have come straight from the storage, to look at them itself. Does not wait for it.
   */
  reportDamage(key: CacheKey, artifact: RemoteArtifact, why: string): void {
    this.#tell(
      `the artifact at ${this.#shown(artifact.url)} is not what was announced and was not used: ${why}`,
    );
    this.#reports.set(key, this.#report(key));
  }

  /** Tells that a download broke off while it was being read. */
  reportBreak(artifact: RemoteArtifact, error: unknown): void {
    this.#giveUpAfter(error, artifact.url);
  }

  /** Resolves when no report of damage is under way. */
  async settleReports(): Promise<void> {
    await Promise.all(this.#reports.values());
  }

  async upload(upload: Upload): Promise<UploadOutcome> {
    const { key, sizeBytes, read } = upload;
    if (this.#readOnly) return 'read-only';
    await this.#reports.get(key); // the damaged one must be gone before its successor is asked for
    const signature = await this.#sign(upload);
    if (signature === 'read-only') return this.#stopWriting();
    if (signature === 'failed') return 'failed';
    const reply = await this.#askToUpload(upload, signature);
    if (reply?.status === 'skipped') return 'exists';
    if (reply?.status === 'forbidden') return this.#stopWriting();
    if (reply?.status !== 'upload_needed' || !this.isUsable) return 'failed';
    try {
      const answer = await this.#gateway.send({
        method: reply.method,
        url: this.#resolve(reply.url),
        headers: { ...reply.headers, 'content-length': String(sizeBytes) },
        body: read(),
        pace: this.#transferPace,
      });
      answer.body.resume();
      if (answer.status >= 200 && answer.status < 300) return 'stored';
      // The first write won, be it by 412 or, from S3 in the same instant, 409.
      if (answer.status === 412 || answer.status === 409) return 'exists';
      // A URL that can create and not replace (Azure) refuses who comes second; the gateway tells whether it was that.
      if (answer.status === 403 && (await this.#askToUpload(upload, signature))?.status === 'skipped')
        return 'exists';
      this.#troubleWith(reply.url, answer, `uploading an artifact of ${sizeBytes} bytes`);
    } catch (error) {
      // A storage that refuses an upload may close the connection under it; that says nothing of the next one.
      const cutShort = ['EPIPE', 'ECONNRESET'].includes(systemCode(error) ?? '');
      if (cutShort) this.#tell(`the upload to ${this.#shown(reply.url)} was cut short`);
      else this.#giveUpAfter(error, reply.url);
    }
    return 'failed';
  }

  #stopWriting(): UploadOutcome {
    if (!this.#readOnly && !this.#gateway.isClosed) this.#options.onReadOnly();
    this.#readOnly = true;
    return 'read-only';
  }

  /** `undefined` without a key to sign with. What should be signed is never sent unsigned: it would hold its key for good. */
  async #sign(upload: Upload): Promise<ArtifactSignature | undefined | 'read-only' | 'failed'> {
    const { signingKey } = this.#options;
    if (signingKey === undefined) return undefined;
    this.#access ??= this.#askForAccess();
    const access = await this.#access;
    if (access === undefined) return 'failed';
    const { tenant, writeScope: scope } = access;
    return scope === null ? 'read-only' : signArtifact({ tenant, scope, ...upload }, signingKey);
  }

  async #askToUpload(
    { key, digest, sizeBytes }: Upload,
    signature: ArtifactSignature | undefined,
  ): Promise<NegotiateReply | undefined> {
    this.#commit ??= this.#options.commit?.();
    const commit = await this.#commit;
    const item: NegotiateItem = {
      hash: key,
      action: 'upload',
      digest,
      size: sizeBytes,
      commit,
      signature,
    };
    const replies = await this.#negotiate([item]);
    return replies?.[0];
  }

  /** Breaks off what is under way; nothing is asked or said any more. */
  async close(): Promise<void> {
    await this.#gateway.close();
  }

  async #negotiate(items: readonly NegotiateItem[]): Promise<NegotiateReply[] | undefined> {
    if (items.length === 0) return undefined;
    return this.#ask(NEGOTIATE_PATH, { items }, (raw) => parseNegotiateReplies(raw, items.length));
  }

  #askForAccess(): Promise<AccessReply | undefined> {
    return this.#ask(ACCESS_PATH, undefined, parseAccessReply);
  }

  /** The gateway's answer to a message; where there is none to be had, the remote is given up. */
  async #ask<T>(path: string, message: object | undefined, read: (raw: unknown) => T | undefined) {
    if (!this.isUsable) return undefined;
    const target = this.#gateway.urlOf(path);
    try {
      const answer = await this.#gateway.ask(path, message);
      if (answer.status !== 200) {
        answer.body.destroy();
        this.#giveUp(
          `${this.#shown(target.href)} answered ${answer.status}${this.#towards(answer)}`,
          hintFor(answer),
        );
        return undefined;
      }
      const reply = read(await readJson(answer));
      if (reply !== undefined) return reply;
      const type = answer.headers['content-type'] ?? 'no content type';
      this.#giveUp(
        `${this.#shown(target.href)} answered 200 with ${type} that is no gateway’s answer`,
        'Is remote.url right, or is a proxy or login page in front of it?',
      );
    } catch (error) {
      this.#giveUpAfter(error, target.href);
    }
    return undefined;
  }

  async #report(key: CacheKey): Promise<void> {
    if (!this.isUsable) return;
    try {
      await readJson(await this.#gateway.ask(NEGOTIATE_PATH, { items: [{ hash: key, action: 'verify' }] }));
    } catch {
      // A gateway that takes longer goes on without us, one that fails is met again by whoever comes next.
    }
  }

  #acceptedBody(answer: Answer, { sizeBytes, url }: RemoteArtifact): Readable | undefined {
    const announced = answer.headers['content-length'];
    if (announced === undefined || Number(announced) === sizeBytes) return answer.body;
    answer.body.destroy();
    const type = answer.headers['content-type'] ?? 'no content type';
    this.#tell(`${this.#shown(url)} answered ${announced} bytes of ${type} instead of ${sizeBytes}`);
    return undefined;
  }

  /** One artifact's trouble, or everybody's? A server in trouble, or one that refuses us, will be the same for the next. */
  #troubleWith(url: string, answer: Answer, doing: string): void {
    const { status } = answer;
    const what = `${this.#shown(url)} answered ${status} when ${doing}`;
    if (status === 413)
      this.#tell(`${what}. It is larger than the gateway takes (VC_ARTIFACT_MAX_SIZE there)`);
    else this.#giveUp(what, hintFor(answer));
  }

  #giveUpAfter(error: unknown, url: string): void {
    if (error instanceof VelocityError && error.code === 'NO_IDENTITY') {
      this.#giveUp(error.message);
      return;
    }
    if (error instanceof VelocityError) {
      this.#tell(error.message);
      return;
    }
    const isTimeout = error instanceof TimeoutError;
    const code = systemCode(error);
    const why = isTimeout || code === undefined ? messageOf(error) : code;
    const hint = isTimeout
      ? 'A slow connection may need a longer remote.timeout.'
      : 'Is the gateway running, and is remote.url right?';
    this.#giveUp(`${this.#shown(url)} could not be used (${why})`, hint);
  }

  /** @param hint what to do about it; without one, `what` is all that there is to say */
  #giveUp(what: string, hint?: string): void {
    if (!this.isUsable) return;
    this.#givenUp = true;
    this.#options.onGivenUp(
      `remote cache: ${hint === undefined ? what : `${what}. ${hint}`} Going on without it.`,
    );
  }

  /** What breaks because it was closed is no trouble. */
  #tell(trouble: string): void {
    if (!this.#gateway.isClosed) this.#options.onTrouble(trouble);
  }

  /** A gateway may answer with paths. */
  #resolve(url: string): URL {
    return new URL(url, this.#options.url);
  }

  /** Whole, so that one can try it; without query and user, which carry signatures and passwords. */
  #shown(url: string): string {
    if (!URL.canParse(url, this.#options.url)) return url.replace(/[?#].*$/s, '');
    const { origin, pathname } = this.#resolve(url);
    return origin + pathname;
  }

  #towards({ headers: { location } }: Answer): string {
    return location === undefined ? '' : ` to ${this.#shown(location)}`;
  }
}

function hintFor(answer: Answer): string {
  const { status } = answer;
  if (status === 401)
    return 'The token is missing or wrong: set remote.token in velocity.yml, or VELOCITY_TOKEN.';
  if (status === 403) return 'The token does not allow this.';
  if (status === 404) return 'Is remote.url the gateway’s own address?';
  if (status >= 300 && status < 400) return 'Set remote.url to the address it redirects to.';
  if (status === 413) return 'The question was too large for a proxy on the way.';
  if (status === 429) {
    const waitMs = retryAfterMs(answer);
    const until = waitMs === undefined ? '' : `, and takes the next in ${formatDuration(waitMs)}`;
    return `The gateway limits requests and bytes${until}.`;
  }
  return 'The gateway’s log has more.';
}
