import type { Readable, Transform } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import type { Access } from '../../../auth/access.ts';
import { accessOf } from '../../../auth/require-bearer.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Digest } from '../../../base/digest.ts';
import { pipeInto } from '../../../base/pipe-into.ts';
import { announcedLength, boundedBody, drainRest } from '../../../http/transfer.ts';
import { zstdDecoded } from '../../../http/zstd.ts';
import type { PutOutcome } from '../../../storage/store.ts';
import { PROVENANCE_METADATA, provenanceMetadata } from '../../../wire/provenance.ts';
import type { Entries } from '../entries.ts';
import type { TransferAccounts } from './transfer-accounts.ts';

export interface EntryUploadsOptions {
  readonly entries: Entries;
  readonly clock: Clock;
  readonly maxArtifactBytes: number;
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

export interface KeepOptions {
  readonly sizeBytes: number;
  readonly digest?: Digest | undefined;
  /** For which the token was charged when they came. */
  readonly chargedBytes?: number;
}

/** Moves whole entries from a protocol's clients to the store. */
export class EntryUploads {
  readonly #options: EntryUploadsOptions;
  readonly #accounts: TransferAccounts;

  constructor(options: EntryUploadsOptions, accounts: TransferAccounts) {
    this.#options = options;
    this.#accounts = accounts;
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
    const { entries, clock, maxArtifactBytes } = this.#options;
    const access = accessOf(request);
    // A token is charged for what is stored in its name, an address for what it sent.
    const charge = zstd ? this.#accounts.chargeOfAddress(request) : this.#accounts.chargeOf(request);
    const announced = announcedLength(request.raw);
    let passed = announced ?? 0;
    const count = (bytes: number): void => {
      passed += bytes;
      charge?.(bytes);
    };
    const sent = boundedBody(request.raw, maxArtifactBytes, announced === undefined ? count : charge);
    const body = zstd ? zstdDecoded(sent, maxArtifactBytes, this.#accounts.chargeOfToken(request)) : sent;
    const sizeBytes = zstd ? zstd.sizeBytes : announced;
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
    this.#accounts.uploaded(outcome);
    if (outcome === 'stored') this.#accounts.moved('write', 'proxied', passed);
    // As much as would have been stored: a client whose upload breaks off gives the cache up.
    else drainRest(request.raw, this.#accounts.chargeOf(request), maxArtifactBytes);
    return outcome;
  }

  /** A part of an upload, bounded and charged for. */
  partOf(request: FastifyRequest, maxBytes: number): Readable {
    const { maxArtifactBytes } = this.#options;
    return boundedBody(request.raw, Math.min(maxBytes, maxArtifactBytes), this.#accounts.chargeOf(request));
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
    { sizeBytes, digest, chargedBytes = 0 }: KeepOptions,
  ): Promise<PutOutcome | 'forbidden'> {
    const { entries, clock } = this.#options;
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
    this.#accounts.uploaded(outcome);
    if (outcome === 'stored') this.#accounts.moved('write', 'proxied', sizeBytes);
    this.#accounts.chargeToken(access, Math.max(0, sizeBytes - chargedBytes));
    return outcome;
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
