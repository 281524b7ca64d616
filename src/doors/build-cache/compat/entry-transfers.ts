import type { ServerResponse } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import type { Access } from '../../../auth/access.ts';
import type { BlobUrls } from '../../../auth/blob-url.ts';
import type { RateLimits } from '../../../auth/limits/rate-limits.ts';
import { accessOf } from '../../../auth/require-bearer.ts';
import { parseByteRange } from '../../../base/byte-range.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Digest } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import { pipeInto } from '../../../base/pipe-into.ts';
import { originOf } from '../../../http/request-origin.ts';
import {
  announcedLength,
  boundedBody,
  drainRest,
  type OnBytes,
  representationHead,
  sendBody,
  sendBytes,
} from '../../../http/transfer.ts';
import { takesZstd, zstdDecoded, zstdEncoded, zstdHead } from '../../../http/zstd.ts';
import { isDamage } from '../../../storage/body.ts';
import type { ObjectFacts, ObjectStore, PutOutcome, StoredObject } from '../../../storage/store.ts';
import { verify } from '../../../storage/verify.ts';
import { PROVENANCE_METADATA, provenanceMetadata } from '../../../wire/provenance.ts';
import type { Entries, Listing, ReadEntry } from '../entries.ts';
import type { HotAnswers, SentEntry } from '../hot-answers.ts';
import type { BuildCacheMetrics } from '../metrics.ts';
import { signRequest } from '../signed-request.ts';

export interface EntryTransfersOptions {
  readonly store: ObjectStore;
  readonly urls: BlobUrls;
  /** How clients reach this server; without it, whatever they sent as Host. */
  readonly publicUrl: string | undefined;
  readonly entries: Entries;
  readonly metrics: BuildCacheMetrics;
  readonly clock: Clock;
  readonly maxArtifactBytes: number;
  readonly urlTtlSeconds: number;
  readonly limits?: RateLimits | undefined;
  readonly hot?: HotAnswers | undefined;
}

export interface SendOptions {
  /** Besides those of every entry: what its uploader sent along, say. Flat, as `writeHead` takes them. */
  readonly headers?: (facts: ObjectFacts) => readonly string[];
  /** The client follows a redirect to the storage itself; `https`: to no other address than such a one. */
  readonly redirects?: boolean | 'https';
  /** The answer is the same whatever else the request says: it may be given again from memory. */
  readonly isPlain?: boolean;
  /** Looks at what was found before any of it is sent; may read its body and put another in its place. `undefined` is a miss. */
  readonly admit?: (found: StoredObject, access: Access) => Promise<StoredObject | undefined>;
  /** Whole entries of this size or more are sent in zstd where the client takes that. */
  readonly zstdFromBytes?: number;
  /**
   * An answer that is cut short breaks the client's build: what passes through this server is read to its end before
   * its first byte is sent. Damage is a miss then, and each hit of more than a MiB costs a second reading.
   */
  readonly checkedAhead?: boolean;
}

export interface ReceiveOptions {
  /** Kept with the entry: names in lower case, values of printable ASCII. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The body was sent in zstd; what comes out is what is limited, held against the digest and stored. */
  readonly zstd?: { readonly sizeBytes: number | undefined } | undefined;
  /** The body's SHA-256, where the key says it. */
  readonly digest?: Digest | undefined;
  /** What the client says it has checked out. */
  readonly commit?: string | undefined;
  /** Takes the place of what is stored; for protocols whose keys are written again by right. Default: the first write wins. */
  readonly replace?: boolean;
  readonly contentType?: string | undefined;
  /** Passes the body on, and fails before its last bytes where they must not be stored. Made when a body is taken. */
  readonly check?: () => Transform;
}

/** Moves whole entries between a protocol's clients and the store, and counts that. */
export class EntryTransfers {
  readonly #options: EntryTransfersOptions;
  readonly #protocol: string;

  /** @param protocol its name in metrics */
  constructor(options: EntryTransfersOptions, protocol: string) {
    this.#options = options;
    this.#protocol = protocol;
  }

  get entries(): Entries {
    return this.#options.entries;
  }

  /** Charges whoever sent the request for what passes. */
  chargeOf(request: FastifyRequest): OnBytes | undefined {
    return this.#charge(request, accessOf(request));
  }

  /**
   * Answers a GET or HEAD with the entry of this name.
   * @throws VelocityError `NOT_FOUND`, `RANGE_UNSATISFIABLE`
   */
  async send(
    request: FastifyRequest,
    response: ServerResponse,
    name: string,
    options: SendOptions = {},
  ): Promise<void> {
    const access = accessOf(request);
    if (request.method === 'HEAD') return this.#sendHead(request, response, name, options);
    const { store } = this.#options;
    const { redirects = false } = options;
    if (redirects && store.capabilities.presign !== 'none')
      if (await this.#redirect(access, response, name, redirects)) return;
    const got = await this.#read(request, access, name, options);
    if (got === undefined) throw this.#missing(name);
    this.#options.metrics.hits.inc({ protocol: this.#protocol });
    if ('unsatisfiable' in got) {
      response.setHeader('content-range', `bytes */${got.sizeBytes}`); // RFC 9110 §15.5.17
      throw new VelocityError('RANGE_UNSATISFIABLE', `The entry has ${got.sizeBytes} bytes.`, {
        field: 'range',
      });
    }
    const { zstdFromBytes = Number.POSITIVE_INFINITY } = options;
    const isZstd = got.span === 'whole' && got.facts.sizeBytes >= zstdFromBytes && takesZstd(request.raw);
    const representation = { ...got.facts, span: got.span };
    const { status, headers } = isZstd ? zstdHead(representation) : representationHead(representation);
    const all = [...headers, ...(options.headers?.(got.facts) ?? [])];
    response.writeHead(status, all);
    const charge = this.#charge(request, access);
    const sent =
      got.bytes && !isZstd
        ? sendBytes(response, got.bytes, charge)
        : await sendBody(response, isZstd ? zstdEncoded(got.body) : got.body, charge);
    this.#count('read', 'proxied', sent);
    if (got.span === 'whole' && got.bytes && options.isPlain && !isZstd)
      this.#remember(request, access, { name, headers: all, bytes: got.bytes });
  }

  /**
   * Stores a PUT's body under this name. A body that is not needed is dropped unread by the store.
   * @returns `forbidden`: the token writes nothing
   * @throws VelocityError `BODY_TOO_LARGE`, `BODY_TRUNCATED`, `DIGEST_MISMATCH`, `STORAGE_*`, and what `check` fails with
   */
  async receive(
    request: FastifyRequest,
    name: string,
    { metadata, zstd, digest, commit, replace = false, contentType, check }: ReceiveOptions = {},
  ): Promise<PutOutcome | 'forbidden'> {
    const { entries, metrics, clock, maxArtifactBytes } = this.#options;
    const access = accessOf(request);
    const sent = boundedBody(request.raw, maxArtifactBytes, this.#charge(request, access));
    const body = zstd ? zstdDecoded(sent, maxArtifactBytes) : sent;
    const sizeBytes = zstd ? zstd.sizeBytes : announcedLength(request.raw);
    const { id: writer, claims } = access;
    const provenance = provenanceMetadata({ writer, writtenAt: clock.now(), commit, claims });
    const isThere = !replace && access.writeScope !== undefined && (await entries.find(access, name));
    const outcome = isThere
      ? 'exists'
      : await throughCheck(body, check, (checked) =>
          entries.write(access, name, checked, {
            ifAbsent: !replace,
            sizeBytes,
            digest,
            contentType,
            metadata: { ...metadata, [PROVENANCE_METADATA]: provenance },
          }),
        );
    metrics.uploads.inc({ protocol: this.#protocol, outcome: outcome === 'forbidden' ? 'refused' : outcome });
    if (outcome === 'stored') this.#count('write', 'proxied', sizeBytes ?? 0);
    // As much as would have been stored: a client whose upload breaks off gives the cache up.
    else drainRest(request.raw, this.#charge(request, access), maxArtifactBytes);
    return outcome;
  }

  /** A part of an upload, bounded. It is charged to the address now, and to the token when an entry is made of it. */
  partOf({ raw }: FastifyRequest, maxBytes: number): Readable {
    const { maxArtifactBytes, limits } = this.#options;
    return boundedBody(raw, Math.min(maxBytes, maxArtifactBytes), limits?.transferCharge(raw));
  }

  /**
   * Stores what was put together here, where no scope that the token reads holds it yet.
   * @param open is called only then
   * @returns `forbidden`: the token writes nothing
   * @throws VelocityError `BODY_TRUNCATED`, `DIGEST_MISMATCH`, `STORAGE_*`
   */
  async keep(
    access: Access,
    name: string,
    open: () => Readable,
    { sizeBytes, digest }: { readonly sizeBytes: number; readonly digest?: Digest | undefined },
  ): Promise<PutOutcome | 'forbidden'> {
    const { entries, metrics, clock, limits } = this.#options;
    const { id: writer, writeScope, claims } = access;
    const provenance = provenanceMetadata({ writer, writtenAt: clock.now(), claims });
    const outcome =
      writeScope !== undefined && (await entries.find(access, name))
        ? 'exists'
        : await entries.write(access, name, open(), {
            ifAbsent: true,
            sizeBytes,
            digest,
            metadata: { [PROVENANCE_METADATA]: provenance },
          });
    metrics.uploads.inc({ protocol: this.#protocol, outcome: outcome === 'forbidden' ? 'refused' : outcome });
    if (outcome === 'stored') this.#count('write', 'proxied', sizeBytes);
    limits?.tokenCharge(access, 'bytes')?.(sizeBytes);
    return outcome;
  }

  /** Counts what `keep` failed to store in a request that is no PUT: of those the door counts it. */
  failed(): void {
    this.#options.metrics.uploads.inc({ protocol: this.#protocol, outcome: 'failed' });
  }

  /** The URL that gives an entry to whoever has it, for clients that are told one; without an entry a miss. */
  async handOut(
    request: FastifyRequest,
    found: Pick<Listing, 'key' | 'sizeBytes'> | undefined,
  ): Promise<string | undefined> {
    const { store, urlTtlSeconds, publicUrl, limits, metrics } = this.#options;
    if (!found) {
      metrics.misses.inc({ protocol: this.#protocol });
      return undefined;
    }
    const terms = { method: 'GET', ttlSeconds: urlTtlSeconds } as const;
    const { url } = await signRequest(this.#options, found.key, terms, publicUrl ?? originOf(request));
    metrics.hits.inc({ protocol: this.#protocol });
    limits?.tokenCharge(accessOf(request), 'bytes')?.(found.sizeBytes);
    if (store.capabilities.presign !== 'none') this.#count('read', 'presigned', found.sizeBytes);
    return url;
  }

  async #sendHead(
    request: FastifyRequest,
    response: ServerResponse,
    name: string,
    { headers: more, isPlain }: SendOptions,
  ): Promise<void> {
    const access = accessOf(request);
    const found = await this.#options.entries.find(access, name);
    if (!found) throw this.#missing(name);
    const { status, headers } = representationHead({ ...found.facts, span: 'whole' });
    const all = [...headers, ...(more?.(found.facts) ?? [])];
    response.writeHead(status, all);
    response.end();
    if (isPlain) this.#remember(request, access, { name, headers: all, bytes: undefined });
  }

  #remember(request: FastifyRequest, access: Access, entry: Omit<SentEntry, 'protocol'>): void {
    this.#options.hot?.sent(request, access, { ...entry, protocol: this.#protocol });
  }

  /** What is there to be sent, once it was looked at as the protocol wants. */
  async #read(
    request: FastifyRequest,
    access: Access,
    name: string,
    { checkedAhead, admit }: SendOptions,
  ): Promise<ReadEntry | undefined> {
    const read = () => this.#options.entries.read(access, name, parseByteRange(request.headers.range ?? ''));
    let found = await read();
    // What is in memory as a whole was checked already and cannot be cut short.
    if (checkedAhead && found !== undefined && 'body' in found && !found.bytes) {
      found.body.destroy();
      await this.#removeDamaged(access, name);
      found = await read();
    }
    const isThere = found !== undefined && !('unsatisfiable' in found);
    return isThere && admit ? admit(found as StoredObject, access) : found;
  }

  /** By reading: the store removes what it finds damaged. What it cannot remove is in the way of whatever comes after it. */
  async #removeDamaged(access: Access, name: string): Promise<void> {
    const { store, entries } = this.#options;
    for (const _ of access.readScopes) {
      const found = await entries.find(access, name);
      if (!found) return;
      try {
        if ((await verify(store, found.key)) !== 'damaged') return;
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
    throw this.#missing(name);
  }

  /** Whether it did. */
  async #redirect(
    access: Access,
    response: ServerResponse,
    name: string,
    to: true | 'https',
  ): Promise<boolean> {
    const { store, entries, urlTtlSeconds, limits, metrics } = this.#options;
    const found = await entries.find(access, name);
    if (!found) throw this.#missing(name);
    const signed = await store.presign(found.key, { method: 'GET', ttlSeconds: urlTtlSeconds });
    if (!signed) throw new Error('unreachable: a store that presigns did not');
    if (to === 'https' && !signed.url.startsWith('https:')) return false;
    metrics.hits.inc({ protocol: this.#protocol });
    limits?.tokenCharge(access, 'bytes')?.(found.facts.sizeBytes);
    this.#count('read', 'presigned', found.facts.sizeBytes);
    response.writeHead(302, ['location', signed.url, 'cache-control', 'no-store', 'content-length', '0']);
    response.end();
    return true;
  }

  #missing(name: string): VelocityError {
    this.#options.metrics.misses.inc({ protocol: this.#protocol });
    return new VelocityError('NOT_FOUND', `There is no entry ${name}.`);
  }

  #count(direction: 'read' | 'write', route: 'proxied' | 'presigned', bytes: number): void {
    this.#options.metrics.bytes.inc({ protocol: this.#protocol, direction, route }, bytes);
  }

  /** What passes is charged to the token and to the address. */
  #charge(request: FastifyRequest, access: Access): OnBytes | undefined {
    const { limits } = this.#options;
    const ofToken = limits?.tokenCharge(access, 'bytes');
    const ofAddress = limits?.transferCharge(request.raw);
    if (!ofToken || !ofAddress) return ofToken ?? ofAddress;
    return (bytes) => {
      ofToken(bytes);
      ofAddress(bytes);
    };
  }
}

/** A check that nobody asks any more is ended, whatever came of the body. */
async function throughCheck<T>(
  body: Readable,
  check: (() => Transform) | undefined,
  use: (checked: Readable) => Promise<T>,
): Promise<T> {
  if (!check) return use(body);
  const checked = pipeInto(body, check());
  try {
    return await use(checked);
  } finally {
    checked.destroy();
  }
}
