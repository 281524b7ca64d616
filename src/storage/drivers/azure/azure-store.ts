import { randomUUID } from 'node:crypto';
import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import {
  AnonymousCredential,
  type BlobDownloadResponseParsed,
  type BlobGetPropertiesResponse,
  BlobServiceClient,
  type BlockBlobClient,
  type ContainerClient,
} from '@azure/storage-blob';
import { type ByteRange, resolveByteRange } from '../../../base/byte-range.ts';
import { type Clock, systemClock } from '../../../base/clock.ts';
import { unreachable } from '../../../base/unreachable.ts';
import { asObjectKey, type ObjectKey, parseObjectKey } from '../../object-key.ts';
import { withKnownBody } from '../../spool.ts';
import type {
  Got,
  ListedObject,
  ListOptions,
  ObjectFacts,
  ObjectStore,
  PresignedRequest,
  PresignRequest,
  PutOptions,
  PutOutcome,
  StoreCapabilities,
} from '../../store.ts';
import type { AzureAccess, AzureCredential } from './azure-credentials.ts';
import { azureCodeOf, statusOf, toFailure } from './azure-failure.ts';
import { AzurePresigner, PUT_BLOB_BYTES } from './azure-presigner.ts';
import { termsOf, toFacts } from './blob-facts.ts';
import { inBlocks } from './blocks.ts';
import { connectionsTo } from './connections.ts';
import { type AskForKey, DelegationKeys } from './delegation-keys.ts';

export interface AzureStoreOptions extends AzureAccess {
  /** The time presigned URLs count from, and replies are waited for. */
  readonly clock?: Clock;
  /** Larger bodies are sent in blocks. */
  readonly putBlobBytes?: number;
}

/** From the last byte sent to the reply's head; long enough for a server that assembles a large upload. */
const REPLY_TIMEOUT_MS = 60_000;
/** A page's keys are held in memory; Azure gives up to 5,000. */
const PAGE_KEYS = 1_000;
/** Looked up by a probe: no permission is needed but to read, and nothing needs to be there. */
const PROBE_KEY = parseObjectKey('velocity-probe');

/**
 * A container of Azure Blob Storage, as block blobs. Names beyond what Azure takes (more than 254
 * segments) are `STORAGE_FAILED`; a segment that ends with a dot is none Azure promises to keep.
 * https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
 */
export class AzureStore implements ObjectStore {
  readonly driver = 'azure';
  readonly capabilities: StoreCapabilities;
  readonly #container: ContainerClient;
  readonly #presigner: AzurePresigner | undefined;
  readonly #connections: HttpAgent | HttpsAgent;
  readonly #clock: Clock;
  readonly #putBlobBytes: number;

  constructor(options: AzureStoreOptions) {
    const { endpoint, container, credential, clock = systemClock, putBlobBytes = PUT_BLOB_BYTES } = options;
    this.#clock = clock;
    this.#putBlobBytes = putBlobBytes;
    this.#connections = connectionsTo(endpoint, clock);
    const service = serviceAt(endpoint, credential, this.#connections);
    this.#container = service.getContainerClient(container);
    const signer = signerOf(credential, service, clock);
    this.#presigner = signer && new AzurePresigner({ endpoint, container, signer, clock });
    this.capabilities = { conditionalPut: true, presign: signer ? 'key' : 'none' };
  }

  async head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return this.#orMiss(`look at ${key}`, async () => toFacts(await this.#properties(key, signal)));
  }

  async get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    if (range && 'lastBytes' in range) return this.#getLast(key, range, signal);
    return this.#orMiss(`read ${key}`, () => this.#download(key, range, signal));
  }

  /** Azure knows no ranges that count from the end, so the size is asked first. */
  async #getLast(key: ObjectKey, range: ByteRange, signal: AbortSignal | undefined): Promise<Got> {
    const facts = await this.head(key, signal);
    const span = facts && resolveByteRange(range, facts.sizeBytes);
    if (!span) return facts && 'unsatisfiable';
    return this.#orMiss(`read ${key}`, async () => {
      try {
        return await this.#download(key, { from: span.first, to: span.last }, signal, facts.etag);
      } catch (error) {
        if (statusOf(error) !== 412) throw error;
        return this.#getLast(key, range, signal); // replaced since: its end is elsewhere now
      }
    });
  }

  /** https://learn.microsoft.com/rest/api/storageservices/get-blob */
  async #download(
    key: ObjectKey,
    range: Exclude<ByteRange, { lastBytes: number }> | undefined,
    signal: AbortSignal | undefined,
    etag?: string,
  ): Promise<Got> {
    const { from = 0, to } = range ?? {};
    const count = to === undefined ? undefined : to - from + 1;
    const conditions = etag === undefined ? {} : { ifMatch: `"${etag}"` };
    try {
      const reply = await this.#answered(signal, (abortSignal) =>
        this.#blob(key).download(from, count, { abortSignal, conditions, maxRetryRequests: 0 }),
      );
      return toGot(reply, range);
    } catch (error) {
      if (statusOf(error) === 416) return 'unsatisfiable';
      throw error;
    }
  }

  put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    return withKnownBody(body, options, ({ sizeBytes, digest, read }) =>
      this.#putKnown(key, read(), sizeBytes, { ...options, digest }),
    );
  }

  async #putKnown(
    key: ObjectKey,
    body: Readable | Uint8Array,
    sizeBytes: number,
    options: PutOptions,
  ): Promise<PutOutcome> {
    let broken: { readonly why: unknown } | undefined;
    if (body instanceof Readable) {
      body.once('error', (why) => {
        broken = { why };
      });
    }
    try {
      if (sizeBytes > this.#putBlobBytes) await this.#putBlocks(key, body, options);
      else await this.#putBlob(key, body, sizeBytes, options);
      return 'stored';
    } catch (error) {
      if (body instanceof Readable) body.destroy();
      if (broken) throw broken.why;
      if (options.ifAbsent && (await this.#isTaken(key, error, options.signal))) return 'exists';
      throw toFailure(`store ${key}`, error);
    }
  }

  /** https://learn.microsoft.com/rest/api/storageservices/put-blob */
  async #putBlob(
    key: ObjectKey,
    body: Readable | Uint8Array,
    sizeBytes: number,
    options: PutOptions,
  ): Promise<void> {
    const sent = body instanceof Readable ? body : undefined;
    await this.#answered(
      options.signal,
      (abortSignal) => this.#blob(key).upload(body, sizeBytes, { abortSignal, ...termsOf(options) }),
      sent,
    );
  }

  /**
   * Nothing of the blocks is seen before they are committed, and Azure drops those that are not.
   * https://learn.microsoft.com/rest/api/storageservices/put-block-list
   */
  async #putBlocks(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<void> {
    const blob = this.#blob(key);
    const writer = randomUUID(); // writers of one key share its blocks' names until one commits
    const ids: string[] = [];
    for await (const block of inBlocks(body)) {
      const id = Buffer.from(`${writer}-${String(ids.length).padStart(5, '0')}`).toString('base64');
      await this.#answered(options.signal, (abortSignal) =>
        blob.stageBlock(id, block, block.length, { abortSignal }),
      );
      ids.push(id);
    }
    await this.#answered(options.signal, (abortSignal) =>
      blob.commitBlockList(ids, { abortSignal, ...termsOf(options) }),
    );
  }

  /** Whether a conditional write was refused because the key holds an object. */
  async #isTaken(key: ObjectKey, error: unknown, signal: AbortSignal | undefined): Promise<boolean> {
    // Of all 409s this one alone says so; others are of the container, say (ContainerBeingDeleted).
    if (statusOf(error) === 412 || azureCodeOf(error) === 'BlobAlreadyExists') return true;
    // A SAS that may create and not write answers so before it looks at the condition.
    if (azureCodeOf(error) === 'UnauthorizedBlobOverwrite') return true;
    // The commit of another writer drops our blocks.
    return azureCodeOf(error) === 'InvalidBlockList' && (await this.head(key, signal)) !== undefined;
  }

  async delete(key: ObjectKey): Promise<void> {
    await this.#orMiss(`delete ${key}`, () =>
      this.#answered(undefined, (abortSignal) =>
        // With its snapshots: Azure deletes no blob that has some without being told so.
        this.#blob(key).delete({ abortSignal, deleteSnapshots: 'include' }),
      ),
    );
  }

  async *list({ prefix, after }: ListOptions): AsyncIterable<ListedObject> {
    let continuationToken: string | undefined;
    do {
      const page = await this.#listPage(prefix, after, continuationToken);
      for (const { name, properties } of page.segment.blobItems) {
        // `startFrom` is inclusive, and servers older than it leave it out of account.
        if (after !== undefined && Buffer.compare(Buffer.from(name), Buffer.from(after)) <= 0) continue;
        const { contentLength, lastModified } = properties;
        const key = asObjectKey(name);
        if (key) yield { key, sizeBytes: contentLength ?? 0, modifiedAt: lastModified.getTime() };
      }
      continuationToken = page.continuationToken;
    } while (continuationToken);
  }

  async #listPage(prefix: string, after: string | undefined, continuationToken: string | undefined) {
    try {
      return await this.#answered(undefined, async (abortSignal) => {
        const startFrom = after?.startsWith(prefix) ? { startFrom: after } : {};
        const listing = this.#container.listBlobsFlat({ prefix, abortSignal, ...startFrom });
        const page = await listing
          .byPage({ maxPageSize: PAGE_KEYS, ...(continuationToken ? { continuationToken } : {}) })
          .next();
        if (page.done) throw new Error('unreachable: a listing has at least one page');
        return page.value;
      });
    } catch (error) {
      throw toFailure(`list "${prefix}"`, error);
    }
  }

  async presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest | undefined> {
    return this.#presigner?.presign(key, request);
  }

  async probe(signal?: AbortSignal): Promise<void> {
    try {
      await this.#properties(PROBE_KEY, signal);
    } catch (error) {
      if (azureCodeOf(error) !== 'BlobNotFound')
        throw toFailure(`reach the container "${this.#container.containerName}"`, error);
    }
    await this.#presigner?.probe();
  }

  async close(): Promise<void> {
    this.#connections.destroy();
  }

  #blob(key: ObjectKey): BlockBlobClient {
    return this.#container.getBlockBlobClient(key);
  }

  #properties(key: ObjectKey, signal: AbortSignal | undefined): Promise<BlobGetPropertiesResponse> {
    return this.#answered(signal, (abortSignal) => this.#blob(key).getProperties({ abortSignal }));
  }

  /** Ends what Azure does not answer in time, counted from the end of `sent` where a body goes first. */
  async #answered<T>(
    signal: AbortSignal | undefined,
    ask: (abortSignal: AbortSignal) => Promise<T>,
    sent?: Readable,
  ): Promise<T> {
    const silence = new AbortController();
    let stopWaiting = (): void => {};
    const wait = (): void => {
      stopWaiting = this.#clock.after(REPLY_TIMEOUT_MS, () => silence.abort());
    };
    if (sent) sent.once('end', wait);
    else wait();
    try {
      return await ask(signal ? AbortSignal.any([signal, silence.signal]) : silence.signal);
    } catch (error) {
      if (!silence.signal.aborted) throw error;
      throw Object.assign(new Error(`no reply after ${REPLY_TIMEOUT_MS} ms`), { code: 'ETIMEDOUT' });
    } finally {
      sent?.off('end', wait);
      stopWaiting();
    }
  }

  async #orMiss<T>(doing: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (azureCodeOf(error) === 'BlobNotFound') return undefined;
      throw toFailure(doing, error);
    }
  }
}

function serviceAt(
  endpoint: string,
  credential: AzureCredential,
  agent: HttpAgent | HttpsAgent,
): BlobServiceClient {
  // `agent` is an option of the pipeline below that the SDK's type leaves out.
  const options = { retryOptions: { maxTries: 1 }, agent };
  switch (credential.kind) {
    case 'key':
      return new BlobServiceClient(endpoint, credential.key, options);
    case 'token':
      return new BlobServiceClient(endpoint, credential.token, options);
    case 'sas': {
      const query = credential.sas.reveal().replace(/^\?/, '');
      return new BlobServiceClient(`${endpoint}?${query}`, new AnonymousCredential(), options);
    }
    default:
      return unreachable(credential);
  }
}

/** A SAS cannot sign further URLs. */
function signerOf(credential: AzureCredential, service: BlobServiceClient, clock: Clock) {
  if (credential.kind === 'key') return credential.key;
  if (credential.kind === 'sas') return undefined;
  const askForKey: AskForKey = (startsOn, expiresOn) => service.getUserDelegationKey(startsOn, expiresOn);
  return new DelegationKeys(credential.account, askForKey, clock);
}

function toGot(reply: BlobDownloadResponseParsed, range: ByteRange | undefined): Got {
  const body = reply.readableStreamBody;
  if (!(body instanceof Readable)) throw new Error('unreachable: in Node the SDK answers with a Readable');
  const facts = toFacts(reply);
  if (!range) return { facts, span: 'whole', body };
  // Not from Content-Range: of a range that begins at 0 and has no end the SDK asks for the whole.
  const span = resolveByteRange(range, facts.sizeBytes);
  if (span) return { facts, span, body };
  body.destroy();
  return 'unsatisfiable';
}
