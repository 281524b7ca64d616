import { Readable } from 'node:stream';
import { type ByteSpan, spanLength } from '../../../base/byte-range.ts';
import type { Clock } from '../../../base/clock.ts';
import type { ReadThrough } from '../../../cache/read-through.ts';
import type { AnswerMeta } from './answer-meta.ts';
import { type BodyRoom, SharedBody } from './shared-body.ts';

/** A body that is being read. Must be closed, once what was opened of it has gone out. */
export interface OpenBody {
  /** `undefined`: it is on its way, and nobody knows yet. */
  readonly sizeBytes: number | undefined;
  /** The whole, where it is in memory: nothing has to be opened. */
  readonly bytes?: Uint8Array | undefined;
  /** @param span of what is held, not of the representation */
  open(span: ByteSpan | 'whole'): Promise<Readable>;
  close(): void;
}

export interface AnswerBodiesOptions {
  readonly tiers: ReadThrough<AnswerMeta>;
  /** Larger bodies are not kept. */
  readonly maxBodyBytes: number;
  /** What bodies of unknown length may take together while they are fetched. */
  readonly maxFlyingBytes: number;
  readonly clock: Clock;
}

/** The bodies of responses, by id: those that are kept, and those on their way, which any number may read meanwhile. */
export class AnswerBodies {
  readonly #options: AnswerBodiesOptions;
  readonly #shared = new Map<string, SharedBody>();
  #flyingBytes = 0;
  readonly #room: BodyRoom;

  constructor(options: AnswerBodiesOptions) {
    this.#options = options;
    this.#room = {
      claim: (bytes) => {
        if (this.#flyingBytes + bytes > options.maxFlyingBytes) return false;
        this.#flyingBytes += bytes;
        return true;
      },
      release: (bytes) => {
        this.#flyingBytes -= bytes;
      },
    };
  }

  /** What is in memory, at once. */
  hot(id: string): Uint8Array | undefined {
    return this.#options.tiers.hot(id)?.bytes;
  }

  /** Counts it as long as it is sent. `undefined`: it is not there, or there is no room. */
  lend(id: string): (() => void) | undefined {
    const kept = this.#options.tiers.hot(id);
    return kept && this.#options.tiers.lend(id, kept);
  }

  /** `undefined`: it is gone. */
  async find(id: string): Promise<OpenBody | undefined> {
    const shared = this.#shared.get(id);
    if (shared) return shared.isOpen ? follow(shared) : undefined;
    const { tiers } = this.#options;
    const reading = await tiers.readUncounted(id, { open: async () => undefined, openPart: noParts });
    if (reading?.outcome !== 'through') return reading;
    reading.close(); // too large to be kept: whoever came first has it
    return undefined;
  }

  /**
   * Takes in a body that has come whole, at once.
   * @param bytes in memory of their own
   * @returns it, for whoever asked for it; `undefined`: there is no room for it
   */
  add(id: string, bytes: Uint8Array, meta: AnswerMeta): OpenBody | undefined {
    const close = this.#options.tiers.add(id, { meta, bytes });
    return close && { sizeBytes: bytes.length, bytes, open: async () => Readable.from([bytes]), close };
  }

  /**
   * Takes a body in as it comes.
   * @param sizeBytes `undefined`: it has not been announced
   * @param onOver told once of what became of it: how many bytes are kept, or `undefined`
   * @returns it, for whoever asked for it; open at once
   */
  async take(
    id: string,
    source: Readable,
    sizeBytes: number | undefined,
    meta: AnswerMeta,
    onOver: (keptBytes: number | undefined) => void,
  ): Promise<OpenBody> {
    const { tiers, maxBodyBytes, clock } = this.#options;
    if (sizeBytes === undefined) {
      const shared = new SharedBody(source, maxBodyBytes, this.#room, clock);
      this.#shared.set(id, shared);
      this.#keepWhenEnded(id, shared, meta, onOver);
      const first = shared.follow(); // at once, or the first bytes may be gone
      return { sizeBytes, open: async () => first, close: () => void first.destroy() };
    }
    let isOver = false;
    const over = (keptBytes: number | undefined): void => {
      if (!isOver) onOver(keptBytes);
      isOver = true;
    };
    source.once('end', () => over(sizeBytes)).once('close', () => over(undefined));
    const sourced = { meta, sizeBytes, body: source };
    const reading = await tiers.readUncounted(id, { open: async () => sourced, openPart: noParts });
    if (!reading) throw new Error('unreachable: a source that has a body has none');
    if (reading.outcome === 'through') over(undefined);
    return reading.bytes ? { ...reading, open: async () => Readable.from([reading.bytes]) } : reading;
  }

  /** Keeps a body that is whole, in place of what the id held. */
  fill(id: string, bytes: Uint8Array, meta: AnswerMeta): Promise<void> {
    return this.#options.tiers.fill(id, { meta, bytes });
  }

  forget(id: string): void {
    this.#shared.delete(id);
    this.#options.tiers.forget(id).catch(() => {}); // trouble of the disk is its own to tell
  }

  async #keepWhenEnded(
    id: string,
    shared: SharedBody,
    meta: AnswerMeta,
    onOver: (keptBytes: number | undefined) => void,
  ): Promise<void> {
    const bytes = await shared.ended.catch(() => undefined);
    const isWanted = this.#shared.get(id) === shared;
    if (bytes && isWanted) await this.fill(id, bytes, meta);
    if (isWanted) this.#shared.delete(id);
    onOver(isWanted ? bytes?.length : undefined);
  }
}

function follow(shared: SharedBody): OpenBody {
  return { sizeBytes: undefined, open: async () => shared.follow(), close() {} };
}

async function noParts(span: ByteSpan): Promise<never> {
  throw new Error(`unreachable: ${spanLength(span)} bytes were asked for of a body that nobody else has`);
}
