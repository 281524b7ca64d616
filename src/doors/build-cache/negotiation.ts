import type { BlobUrls } from '../../auth/blob-url.ts';
import type { Clock } from '../../base/clock.ts';
import { inParallel } from '../../base/in-parallel.ts';
import { unreachable } from '../../base/unreachable.ts';
import { type ObjectKey, parseObjectKey } from '../../storage/object-key.ts';
import type { ObjectStore, PresignedRequest, PresignRequest } from '../../storage/store.ts';
import { type NegotiateItem, type NegotiateReply, OBJECT_KEY_PREFIX } from '../../wire/negotiate.ts';
import type { BuildCacheMetrics } from './metrics.ts';
import { Rereads } from './rereads.ts';

export const BLOB_PATH = '/v1/proxy/blob/';

/** Lookups of one batch under way at once: enough to hide the storage's distance, few enough to be fair. */
const BATCH_WIDTH = 64;
const PROTOCOL = 'velocity';

interface NegotiationOptions {
  readonly store: ObjectStore;
  readonly urls: BlobUrls;
  readonly metrics: BuildCacheMetrics;
  readonly clock: Clock;
  /** How long the URLs open, in seconds. */
  readonly urlTtlSeconds: number;
}

/**
 * The vending machine: looks a key up and hands out the one request that moves its bytes.
 * The look-up before an upload only saves work; that the first write wins is decided by the
 * condition inside the handed-out request.
 */
export class Negotiation {
  readonly #store: ObjectStore;
  readonly #urls: BlobUrls;
  readonly #metrics: BuildCacheMetrics;
  readonly #clock: Clock;
  readonly #urlTtlSeconds: number;
  readonly #rereads: Rereads;

  constructor({ store, urls, metrics, clock, urlTtlSeconds }: NegotiationOptions) {
    this.#store = store;
    this.#urls = urls;
    this.#metrics = metrics;
    this.#clock = clock;
    this.#urlTtlSeconds = urlTtlSeconds;
    this.#rereads = new Rereads(store);
  }

  /** Answers in the items' order. `origin` is how the client reaches this server: `https://cache.example`. */
  async answer(items: readonly NegotiateItem[], origin: string): Promise<NegotiateReply[]> {
    const startedAt = this.#clock.elapsed();
    const replies = await inParallel(items, BATCH_WIDTH, (item) => this.#reply(item, origin));
    const seconds = (this.#clock.elapsed() - startedAt) / 1000;
    this.#metrics.negotiationSeconds.observe({ form: items.length === 1 ? 'single' : 'batch' }, seconds);
    this.#metrics.negotiationSecondsLegacy.observe(seconds);
    return replies;
  }

  #reply(item: NegotiateItem, origin: string): Promise<NegotiateReply> {
    switch (item.action) {
      case 'upload':
        return this.#upload(item, origin);
      case 'download':
        return this.#download(item, origin);
      case 'verify':
        return this.#verify(item, origin);
      default:
        return unreachable(item);
    }
  }

  async #download(item: NegotiateItem, origin: string): Promise<NegotiateReply> {
    const reply = await this.#lookUp(toKey(item), origin);
    if (reply.status === 'missing') {
      this.#metrics.misses.inc({ protocol: PROTOCOL });
      return reply;
    }
    this.#metrics.hits.inc({ protocol: PROTOCOL });
    if (this.#store.capabilities.presign !== 'none') {
      this.#metrics.bytes.inc({ protocol: PROTOCOL, direction: 'read', route: 'presigned' }, reply.size);
    }
    return reply;
  }

  /** The lookup was counted when the download was asked for. */
  async #verify(item: NegotiateItem, origin: string): Promise<NegotiateReply> {
    await this.#rereads.read(toKey(item));
    return this.#lookUp(toKey(item), origin);
  }

  async #lookUp(key: ObjectKey, origin: string): Promise<NegotiateReply & { status: 'found' | 'missing' }> {
    const facts = await this.#store.head(key);
    if (!facts) return { status: 'missing' };
    const { url } = await this.#request(key, { method: 'GET', ttlSeconds: this.#urlTtlSeconds }, origin);
    const { sizeBytes: size, digest } = facts;
    return { status: 'found', url, method: 'GET', size, ...(digest === undefined ? {} : { digest }) };
  }

  async #upload(item: NegotiateItem & { action: 'upload' }, origin: string): Promise<NegotiateReply> {
    const key = toKey(item);
    if (await this.#store.head(key)) {
      this.#metrics.uploads.inc({ protocol: PROTOCOL, outcome: 'skipped' });
      return { status: 'skipped' };
    }
    const { size: sizeBytes, digest } = item;
    const terms = {
      method: 'PUT',
      ttlSeconds: this.#urlTtlSeconds,
      ifAbsent: true,
      sizeBytes,
      digest,
    } as const;
    const { url, headers } = await this.#request(key, terms, origin);
    this.#metrics.uploads.inc({ protocol: PROTOCOL, outcome: 'needed' });
    return { status: 'upload_needed', url, method: 'PUT', headers };
  }

  /** Straight to the storage where it can presign, else through this server, on the same terms. */
  async #request(key: ObjectKey, request: PresignRequest, origin: string): Promise<PresignedRequest> {
    const signed = await this.#store.presign(key, request);
    if (signed) return signed;
    const { method, ttlSeconds, ifAbsent = false, sizeBytes, digest } = request;
    const expiresAt = Math.floor(this.#clock.now() / 1000) + ttlSeconds;
    const query = this.#urls.sign({ method, key, expiresAt, ifAbsent, sizeBytes, digest });
    const headers = {
      ...(ifAbsent ? { 'if-none-match': '*' } : {}),
      ...(sizeBytes === undefined ? {} : { 'content-length': String(sizeBytes) }),
    };
    return { url: `${origin}${BLOB_PATH}${encodeURI(key)}?${query}`, method, headers };
  }
}

function toKey({ hash }: NegotiateItem): ObjectKey {
  return parseObjectKey(OBJECT_KEY_PREFIX + hash);
}
