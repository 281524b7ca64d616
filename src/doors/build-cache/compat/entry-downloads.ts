import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Access } from '../../../auth/access.ts';
import type { BlobUrls } from '../../../auth/blob-url.ts';
import { accessOf } from '../../../auth/require-bearer.ts';
import { parseByteRange } from '../../../base/byte-range.ts';
import type { Clock } from '../../../base/clock.ts';
import { VelocityError } from '../../../base/errors.ts';
import { originOf } from '../../../http/request-origin.ts';
import { rangeUnsatisfiable, representationHead, sendBody, sendBytes } from '../../../http/transfer.ts';
import { unhurried } from '../../../http/unhurried.ts';
import { takesZstd, zstdEncoded, zstdHead } from '../../../http/zstd.ts';
import type { ObjectFacts, ObjectStore, StoredObject } from '../../../storage/store.ts';
import type { Entries, Holding, Listing, ReadEntry } from '../entries.ts';
import type { HotAnswers, SentEntry } from '../hot-answers.ts';
import { signRequest } from '../signed-request.ts';
import { ReadingsAhead } from './readings-ahead.ts';
import type { TransferAccounts } from './transfer-accounts.ts';

export interface EntryDownloadsOptions {
  readonly store: ObjectStore;
  readonly urls: BlobUrls;
  /** How clients reach this server; without it, whatever they sent as Host. */
  readonly publicUrl: string | undefined;
  readonly entries: Entries;
  readonly clock: Clock;
  readonly urlTtlSeconds: number;
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

/** Moves whole entries from the store to a protocol's clients. */
export class EntryDownloads {
  readonly #options: EntryDownloadsOptions;
  readonly #accounts: TransferAccounts;
  readonly #ahead: ReadingsAhead;

  constructor(options: EntryDownloadsOptions, accounts: TransferAccounts) {
    this.#options = options;
    this.#accounts = accounts;
    this.#ahead = new ReadingsAhead(options.store, options.entries);
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
    const asOf = this.#changes();
    const got = await this.#read(request, access, name, options);
    if (got === undefined) throw this.#missing(name);
    this.#accounts.hit();
    if ('unsatisfiable' in got) throw rangeUnsatisfiable(response, 'The entry', got.sizeBytes);
    const { zstdFromBytes = Number.POSITIVE_INFINITY } = options;
    const isZstd = got.span === 'whole' && got.facts.sizeBytes >= zstdFromBytes && takesZstd(request.raw);
    const representation = { ...got.facts, span: got.span };
    const { status, headers } = isZstd ? zstdHead(representation) : representationHead(representation);
    const all = [...headers, ...(options.headers?.(got.facts) ?? [])];
    response.writeHead(status, all);
    const charge = this.#accounts.chargeOf(request);
    const sent =
      got.bytes && !isZstd
        ? sendBytes(response, got.bytes, charge)
        : await sendBody(response, isZstd ? zstdEncoded(got.body) : got.body, charge);
    this.#accounts.moved('read', 'proxied', sent);
    if (got.span === 'whole' && got.bytes && options.isPlain && !isZstd)
      this.#remember(request, access, { name, etag: got.facts.etag, headers: all, bytes: got.bytes, asOf });
  }

  /**
   * The URL that gives an entry to whoever has it, for clients that are told one; without an entry a miss.
   * @param scheme `https`: the client opens no other URL, and misses where it would be told one
   */
  async handOut(
    request: FastifyRequest,
    found: Pick<Listing, 'key' | 'sizeBytes'> | undefined,
    scheme: 'any' | 'https' = 'any',
  ): Promise<string | undefined> {
    const { store, urlTtlSeconds, publicUrl } = this.#options;
    const terms = { method: 'GET', ttlSeconds: urlTtlSeconds } as const;
    const signed =
      found && (await signRequest(this.#options, found.key, terms, publicUrl ?? originOf(request)));
    if (!signed || (scheme === 'https' && !signed.url.startsWith('https:'))) {
      this.#accounts.miss();
      return undefined;
    }
    const { url } = signed;
    this.#accounts.hit();
    this.#accounts.chargeToken(accessOf(request), found.sizeBytes);
    if (store.capabilities.presign !== 'none') this.#accounts.moved('read', 'presigned', found.sizeBytes);
    return url;
  }

  /** What is there to be handed out, and was read to its end as with `checkedAhead`. */
  async findChecked(access: Access, name: string): Promise<Holding | undefined> {
    const { store, entries } = this.#options;
    const found = await entries.find(access, name);
    if (!found || store.capabilities.presign !== 'none') return found;
    if (!(await this.#ahead.leavesSound(access, name))) throw this.#missing(name);
    return entries.find(access, name);
  }

  async #sendHead(
    request: FastifyRequest,
    response: ServerResponse,
    name: string,
    { headers: more, isPlain }: SendOptions,
  ): Promise<void> {
    const access = accessOf(request);
    const asOf = this.#changes();
    const found = await this.#options.entries.find(access, name);
    if (!found) throw this.#missing(name);
    const { status, headers } = representationHead({ ...found.facts, span: 'whole' });
    const all = [...headers, ...(more?.(found.facts) ?? [])];
    response.writeHead(status, all);
    response.end();
    if (isPlain)
      this.#remember(request, access, { name, etag: found.facts.etag, headers: all, bytes: undefined, asOf });
  }

  #changes(): number {
    return this.#options.hot?.changes ?? 0;
  }

  #remember(request: FastifyRequest, access: Access, entry: Omit<SentEntry, 'protocol'>): void {
    this.#options.hot?.sent(request, access, { ...entry, protocol: this.#accounts.protocol });
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
      const isSound = await unhurried(request.raw, () => this.#ahead.leavesSound(access, name));
      if (!isSound) throw this.#missing(name);
      found = await read();
    }
    const isThere = found !== undefined && !('unsatisfiable' in found);
    return isThere && admit ? admit(found as StoredObject, access) : found;
  }

  /** Whether it did. */
  async #redirect(
    access: Access,
    response: ServerResponse,
    name: string,
    to: true | 'https',
  ): Promise<boolean> {
    const { store, entries, urlTtlSeconds } = this.#options;
    const found = await entries.find(access, name);
    if (!found) throw this.#missing(name);
    const signed = await store.presign(found.key, { method: 'GET', ttlSeconds: urlTtlSeconds });
    if (!signed) throw new Error('unreachable: a store that presigns did not');
    if (to === 'https' && !signed.url.startsWith('https:')) return false;
    this.#accounts.hit();
    this.#accounts.chargeToken(access, found.facts.sizeBytes);
    this.#accounts.moved('read', 'presigned', found.facts.sizeBytes);
    response.writeHead(302, ['location', signed.url, 'cache-control', 'no-store', 'content-length', '0']);
    response.end();
    return true;
  }

  #missing(name: string): VelocityError {
    this.#accounts.miss();
    return new VelocityError('NOT_FOUND', `There is no entry ${name}.`);
  }
}
