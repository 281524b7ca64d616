import { type Access, DEFAULT_TENANT } from '../../auth/access.ts';
import type { Authenticator } from '../../auth/authenticator.ts';
import type { RateLimits } from '../../auth/limits/rate-limits.ts';
import type { PresignedPaths } from '../../auth/presigned-path.ts';
import type { Bucket } from '../../buckets/bucket.ts';
import type { BucketObject } from '../../buckets/bucket-object.ts';
import type { BucketObjects } from '../../buckets/bucket-objects.ts';
import type { ObjectMeta } from '../../buckets/bucket-source.ts';
import { objectFields } from '../../buckets/send-object.ts';
import type { Kept } from '../../cache/kept.ts';
import { AnswerHead } from '../../http/answer-head.ts';
import type { FastAnswer } from '../../http/fast-path.ts';
import type { SimpleRequest } from '../../http/simple-request.ts';
import { representationHead } from '../../http/transfer.ts';
import { objectRequest } from './object-request.ts';

export interface HotObjectsOptions {
  readonly objects: BucketObjects;
  readonly authenticator: Authenticator;
  readonly presigned?: PresignedPaths | undefined;
  readonly limits: RateLimits;
}

/** What an address stands for, whoever asks. */
interface Place extends BucketObject {
  readonly route: string;
  readonly sig: string | undefined;
}

/** Beyond this many addresses all are forgotten, and known again when they are asked for. */
const MAX_PLACES = 20_000;
/** Of a path with its signature; longer ones are read anew each time. */
const MAX_TARGET_LENGTH = 2048;
const NOTHING = new Uint8Array();

/**
 * Answers for objects that are in memory, before Node's parser. Whoever asks is held against the same token or signature
 * as everywhere; what has any doubt about it is nobody's here.
 */
export class HotObjects {
  readonly #options: HotObjectsOptions;
  readonly #places = new Map<string, Place>();
  /** As they go out, for as long as the object is in memory. */
  readonly #heads = new WeakMap<Kept<ObjectMeta>, AnswerHead>();

  constructor(options: HotObjectsOptions) {
    this.#options = options;
  }

  answer({ method, target, authorization }: SimpleRequest, connection?: object): FastAnswer | undefined {
    const known = this.#places.get(target);
    const place = known ?? readPlace(target, this.#options.objects.buckets);
    if (!place) return undefined;
    const { objects, limits } = this.#options;
    const kept = objects.hot(place);
    if (!kept) return undefined;
    const { sig, route } = place;
    const access =
      sig === undefined ? this.#options.authenticator.known(authorization, connection) : undefined;
    if (sig !== undefined ? !this.#opens(sig, method, place) : !isLetIn(access)) return undefined;
    if (!known) this.#remember(target);
    const body = method === 'GET' ? kept.bytes : NOTHING;
    if (access) {
      if (!limits.letPass(access)) return undefined; // it is refused, and told so, where all others are
      limits.tokenCharge(access, 'bytes')?.(body.length);
    }
    if (method === 'GET') {
      objects.metrics.reads.inc('memory');
      objects.traffic.sent(body.length);
    }
    const lend = () => objects.lend(place, kept);
    return { head: this.#headOf(kept), body, lend, route, tokenId: access?.id };
  }

  #opens(sig: string, method: 'GET' | 'HEAD', { bucket, key: path }: Place): boolean {
    return typeof this.#options.presigned?.check(sig, { method, bucket: bucket.id, path }) === 'object';
  }

  /** Of what nobody was let in for nothing is remembered. */
  #remember(target: string): void {
    if (target.length > MAX_TARGET_LENGTH) return;
    const own = Buffer.from(target, 'latin1').toString('latin1'); // a part of a text keeps all of it
    const place = readPlace(own, this.#options.objects.buckets);
    if (!place) return;
    if (this.#places.size >= MAX_PLACES) this.#places.clear();
    this.#places.set(own, place);
  }

  #headOf(kept: Kept<ObjectMeta>): AnswerHead {
    const known = this.#heads.get(kept);
    if (known !== undefined) return known;
    const { headers } = representationHead({ ...kept.meta, sizeBytes: kept.bytes.length, span: 'whole' });
    const head = new AnswerHead([...headers, ...objectFields('memory', kept.meta)]);
    this.#heads.set(kept, head);
    return head;
  }
}

/** `undefined`: not an object's address, or one with a question that is answered elsewhere. */
function readPlace(target: string, buckets: ReadonlyMap<string, Bucket>): Place | undefined {
  const [, id = '', query] = /^\/([^/?]+)\/[^?]*(?:\?(.*))?$/.exec(target) ?? [];
  const bucket = buckets.get(id);
  const sig = /^sig=([\w.-]+)$/.exec(query ?? '')?.[1];
  if (!bucket || (query !== undefined && sig === undefined)) return undefined;
  try {
    return { ...objectRequest(bucket, target), route: `/${id}/*`, sig };
  } catch {
    return undefined; // it is refused, and told why, where all others are
  }
}

/** As `requireCaller` says; what it refuses is told why there. */
function isLetIn(access: Access | undefined): boolean {
  return access?.tenant === DEFAULT_TENANT && access.rights.has('objects');
}
