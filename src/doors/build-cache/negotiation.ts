import type { Access } from '../../auth/access.ts';
import type { BlobUrls } from '../../auth/blob-url.ts';
import type { Clock } from '../../base/clock.ts';
import { inParallel } from '../../base/in-parallel.ts';
import { unreachable } from '../../base/unreachable.ts';
import type { ObjectKey } from '../../storage/object-key.ts';
import type { ObjectStore } from '../../storage/store.ts';
import type { AuditLog } from '../../telemetry/audit-log.ts';
import { parseArtifactSignature, SIGNATURE_METADATA } from '../../wire/artifact-signature.ts';
import type { NegotiateItem, NegotiateReply } from '../../wire/negotiate.ts';
import { PROVENANCE_METADATA, provenanceMetadata, readProvenance } from '../../wire/provenance.ts';
import { Entries, type Holding } from './entries.ts';
import type { BuildCacheMetrics } from './metrics.ts';
import { Rereads } from './rereads.ts';
import { artifactName, scopedKey } from './scoped-key.ts';
import { type Signing, signRequest } from './signed-request.ts';

/** Lookups of one batch under way at once: enough to hide the storage's distance, few enough to be fair. */
const BATCH_WIDTH = 64;
const PROTOCOL = 'velocity';

/** Who asks. */
export interface Asker {
  readonly access: Access;
  /** How they reach this server: `https://cache.example`. */
  readonly origin: string;
  readonly requestId: string;
  readonly address: string;
}

type Upload = NegotiateItem & { readonly action: 'upload' | 'replace' };

interface NegotiationOptions {
  readonly store: ObjectStore;
  readonly urls: BlobUrls;
  readonly metrics: BuildCacheMetrics;
  readonly clock: Clock;
  /** How long the URLs open, in seconds. */
  readonly urlTtlSeconds: number;
  readonly audit: AuditLog;
}

/**
 * The vending machine: looks a key up and hands out the one request that moves its bytes.
 * The look-up before an upload only saves work; that the first write wins is decided by the
 * condition inside the handed-out request.
 *
 * A key is looked up in the scopes that the token reads and written in the one that it writes. What lies
 * elsewhere makes no difference to any answer, so nobody can take, hide or hold a key of a scope they do not write.
 */
export class Negotiation {
  readonly #store: ObjectStore;
  readonly #signing: Signing;
  readonly #metrics: BuildCacheMetrics;
  readonly #clock: Clock;
  readonly #urlTtlSeconds: number;
  readonly #rereads: Rereads;
  readonly #audit: AuditLog;
  readonly #entries: Entries;

  constructor({ store, urls, metrics, clock, urlTtlSeconds, audit }: NegotiationOptions) {
    this.#store = store;
    this.#signing = { store, urls, clock };
    this.#metrics = metrics;
    this.#clock = clock;
    this.#urlTtlSeconds = urlTtlSeconds;
    this.#rereads = new Rereads(store);
    this.#audit = audit;
    this.#entries = new Entries(store);
  }

  /** Answers in the items' order. */
  async answer(items: readonly NegotiateItem[], asker: Asker): Promise<NegotiateReply[]> {
    const startedAt = this.#clock.elapsed();
    const replies = await inParallel(items, BATCH_WIDTH, (item) => this.#reply(item, asker));
    const seconds = (this.#clock.elapsed() - startedAt) / 1000;
    this.#metrics.negotiationSeconds.observe({ form: items.length === 1 ? 'single' : 'batch' }, seconds);
    this.#metrics.negotiationSecondsLegacy.observe(seconds);
    return replies;
  }

  #reply(item: NegotiateItem, asker: Asker): Promise<NegotiateReply> {
    switch (item.action) {
      case 'upload':
        return this.#upload(item, asker);
      case 'replace':
        return this.#replace(item, asker);
      case 'download':
        return this.#download(item, asker);
      case 'verify':
        return this.#verify(item, asker);
      default:
        return unreachable(item);
    }
  }

  async #download(item: NegotiateItem, asker: Asker): Promise<NegotiateReply> {
    const reply = await this.#lookUp(item, asker);
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

  /** Read again is what a download of this token would have been sent to. The lookup was counted with that download. */
  async #verify(item: NegotiateItem, asker: Asker): Promise<NegotiateReply> {
    const held = await this.#find(item, asker);
    if (held) await this.#rereads.read(held.key);
    return this.#lookUp(item, asker);
  }

  async #lookUp(
    item: NegotiateItem,
    asker: Asker,
  ): Promise<NegotiateReply & { status: 'found' | 'missing' }> {
    const held = await this.#find(item, asker);
    if (!held) return { status: 'missing' };
    const terms = { method: 'GET', ttlSeconds: this.#urlTtlSeconds } as const;
    const { url } = await signRequest(this.#signing, held.key, terms, asker.origin);
    const { sizeBytes: size, digest, metadata } = held.facts;
    const provenance = readProvenance(metadata);
    const signature = parseArtifactSignature(metadata[SIGNATURE_METADATA] ?? '');
    const { tenant } = asker.access;
    return {
      status: 'found',
      url,
      method: 'GET',
      size,
      ...(digest === undefined ? {} : { digest }),
      ...(provenance === undefined ? {} : { provenance }),
      ...(signature === undefined ? {} : { signature, tenant, scope: held.scope }),
    };
  }

  #find({ hash }: NegotiateItem, { access }: Asker): Promise<Holding | undefined> {
    return this.#entries.find(access, artifactName(hash));
  }

  async #upload(item: Upload, asker: Asker): Promise<NegotiateReply> {
    const { tenant, writeScope } = asker.access;
    // Before any look-up: the answer must not tell what is there.
    if (writeScope === undefined) return this.#forbid();
    if (await this.#find(item, asker)) {
      this.#metrics.uploads.inc({ protocol: PROTOCOL, outcome: 'skipped' });
      return { status: 'skipped' };
    }
    return this.#letUpload(item, scopedKey(tenant, writeScope, artifactName(item.hash)), asker, true);
  }

  async #replace(item: Upload, asker: Asker): Promise<NegotiateReply> {
    const { access, requestId, address } = asker;
    const { id: who, tenant, writeScope, rights } = access;
    const isAllowed = writeScope !== undefined && rights.has('admin');
    const key = writeScope === undefined ? undefined : scopedKey(tenant, writeScope, artifactName(item.hash));
    const event = { who, action: 'replace', key: key ?? item.hash, requestId, address } as const;
    this.#audit.record({ ...event, result: isAllowed ? 'granted' : 'refused' });
    return isAllowed && key ? this.#letUpload(item, key, asker, false) : this.#forbid();
  }

  #forbid(): NegotiateReply {
    this.#metrics.uploads.inc({ protocol: PROTOCOL, outcome: 'refused' });
    return { status: 'forbidden' };
  }

  async #letUpload(item: Upload, key: ObjectKey, asker: Asker, ifAbsent: boolean): Promise<NegotiateReply> {
    const { size: sizeBytes, digest } = item;
    const terms = {
      method: 'PUT',
      ttlSeconds: this.#urlTtlSeconds,
      ifAbsent,
      sizeBytes,
      digest,
      metadata: this.#metadataOf(item, asker),
    } as const;
    const { url, headers } = await signRequest(this.#signing, key, terms, asker.origin);
    this.#metrics.uploads.inc({ protocol: PROTOCOL, outcome: 'needed' });
    return { status: 'upload_needed', url, method: 'PUT', headers };
  }

  /** What is kept with an upload. Its writer says part of it, and cannot change what the gateway says. */
  #metadataOf({ commit, signature }: Upload, { access }: Asker): Readonly<Record<string, string>> {
    const { id: writer, claims } = access;
    const provenance = provenanceMetadata({ writer, writtenAt: this.#clock.now(), commit, claims });
    return {
      [PROVENANCE_METADATA]: provenance,
      ...(signature === undefined ? {} : { [SIGNATURE_METADATA]: signature }),
    };
  }
}
