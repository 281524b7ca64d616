import type { Readable } from 'node:stream';
import { type ByteSpan, spanLength } from '../base/byte-range.ts';
import type { Clock } from '../base/clock.ts';
import type { BodyTier, BodyWriting, HeldBody } from './body-tier.ts';
import { Flight, type Landing } from './flight.ts';
import { GrowingBody } from './growing-body.ts';
import type { Kept } from './kept.ts';
import type { GiveBack, MemoryTier } from './memory-tier.ts';
import type { Source, Sourced } from './source.ts';

/** How a question was answered: `joined` another's flight; `miss` went to the source, `absent` too and it had none; `through`: too large to be kept. */
export type ReadOutcome = 'memory' | 'disk' | 'joined' | 'miss' | 'absent' | 'through' | 'failed';

export interface ReadThroughOptions<M> {
  readonly memory: MemoryTier<Kept<M>>;
  readonly disk?: BodyTier<M> | undefined;
  /** Larger bodies are not kept. */
  readonly maxBodyBytes: number;
  /** What flights may take of the memory tier together. A body that finds no room goes through without being kept there. */
  readonly maxFlyingBytes: number;
  readonly clock: Clock;
  readonly count: (outcome: ReadOutcome) => void;
  /** Bytes that came from the source. */
  readonly onFetched?: (bytes: number) => void;
}

/**
 * What is read: whole, or a part of it, once. Must be closed, when whatever was opened or sent of it has gone out: what
 * it has in memory counts until then.
 */
export interface Reading<M> {
  readonly meta: M;
  readonly sizeBytes: number;
  readonly outcome: ReadOutcome;
  /** The whole, where it is in memory: nothing has to be opened. */
  readonly bytes?: Uint8Array | undefined;
  open(span: ByteSpan | 'whole'): Promise<Readable>;
  /** In place of `open`, where there is a way that costs less: see `HeldBody`. */
  readonly sendTo?: HeldBody<M>['sendTo'];
  close(): void;
}

/** Read into memory from the disk tier in one go, and kept there where they are asked for. */
const PROMOTED_BYTES = 1024 * 1024;
/** Bodies that wait to be written to the disk tier; beyond, they are in memory alone. */
const MAX_KEEPING_BYTES = 64 * 1024 * 1024;

/**
 * Key → memory → disk → one flight to the source, which streams to everybody who asked meanwhile while it is kept. A
 * reader that leaves ends nobody else's flight; one that fails fails all who wait for it, once, and is kept nowhere.
 */
export class ReadThrough<M> {
  readonly #options: ReadThroughOptions<M>;
  readonly #flights = new Map<string, Promise<Flight<M> | undefined>>();
  readonly #promotions = new Map<string, Promise<Kept<M> | undefined>>();
  /** Writes to the disk tier under way. */
  readonly #keepings = new Map<string, Promise<unknown>>();
  /** By the last who forgets it: what the disk tier says of a key is over before it is gone there. */
  readonly #forgetting = new Map<string, symbol>();
  /** Bodies that are being fetched. */
  readonly #fetched = new Set<Readable>();
  #isClosed = false;
  #flyingBytes = 0;
  #keepingBytes = 0;

  constructor(options: ReadThroughOptions<M>) {
    this.#options = options;
  }

  get flights(): number {
    return this.#flights.size;
  }

  /** What is in memory, at once. */
  hot(key: string): Kept<M> | undefined {
    return this.#options.memory.get(key);
  }

  /** Counts what is in memory until it is given back, whatever becomes of its entry. `undefined`: there is no room. */
  lend(key: string, kept: Kept<M>): GiveBack | undefined {
    return this.#options.memory.lend(key, kept, kept.bytes.length);
  }

  /** What a tier holds, without a question to the source. */
  async find(key: string): Promise<Reading<M> | undefined> {
    const { memory, disk } = this.#options;
    const hot = this.#lent(key, memory.get(key), 'memory');
    if (hot) return hot;
    const sizeBytes = this.#forgetting.has(key) ? undefined : disk?.sizeOf(key);
    if (!disk || sizeBytes === undefined) return undefined;
    if (sizeBytes <= PROMOTED_BYTES && memory.takes(sizeBytes)) {
      const promoted = await this.#promote(disk, key);
      const reading = this.#lent(key, promoted, 'disk');
      if (reading || !promoted) return reading;
    }
    const held = await disk.read(key);
    return held && ofHeld(held);
  }

  /** @returns `undefined` where the source has none; whatever `source.open` throws is thrown. */
  async read(key: string, source: Source<M>): Promise<Reading<M> | undefined> {
    const { count } = this.#options;
    try {
      const reading = await this.readUncounted(key, source);
      count(reading?.outcome ?? 'absent');
      return reading;
    } catch (error) {
      count('failed');
      throw error;
    }
  }

  /** For what is a part of a read that is counted as one. */
  async readUncounted(key: string, source: Source<M>): Promise<Reading<M> | undefined> {
    const found = this.#flights.has(key) ? undefined : await this.find(key);
    if (found) return found;
    const flying = this.#flights.get(key);
    const flight = await (flying ?? this.#take(key, source));
    return flight && this.#readingOf(key, flight, source, flying ? 'joined' : 'miss');
  }

  /**
   * Brings a body into the tiers, for whoever asks next. Fails where it does not come.
   * @returns whether there is one, and room for it
   */
  async warm(key: string, source: Source<M>): Promise<boolean> {
    const reading = await this.read(key, source);
    reading?.close();
    const flight = await this.#flights.get(key);
    await flight?.landed;
    return reading !== undefined && reading.outcome !== 'through';
  }

  /** Keeps a body that came another way, in place of what the key held; not one that is forgotten again meanwhile. */
  async fill(key: string, kept: Kept<M>): Promise<void> {
    if (await this.#forget(key)) this.#keep(key, kept);
  }

  /**
   * Keeps a body that has come whole under a key that nobody has asked for yet, and lends it.
   * @returns `undefined`: it is too large to be kept, or finds no room in memory
   */
  add(key: string, kept: Kept<M>): GiveBack | undefined {
    const { memory, maxBodyBytes, onFetched } = this.#options;
    const { length } = kept.bytes;
    if (this.#isClosed || length > maxBodyBytes || !memory.takes(length)) return undefined;
    onFetched?.(length);
    this.#keep(key, kept);
    return this.lend(key, kept);
  }

  /** Of what is in flight, too: those who wait get what they asked for, and whoever asks from now on what comes now. */
  async forget(key: string): Promise<void> {
    await this.#forget(key);
  }

  /** Ends what is being fetched and waits for what is being written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const body of this.#fetched) body.destroy(closed());
    await Promise.all(this.#keepings.values());
  }

  /** Whether nobody began to forget it after this. */
  async #forget(key: string): Promise<boolean> {
    const { memory, disk } = this.#options;
    const own = Symbol();
    this.#forgetting.set(key, own);
    memory.delete(key);
    this.#flights.delete(key);
    this.#promotions.delete(key);
    await this.#keepings.get(key);
    await disk?.delete(key);
    return this.#forgetting.get(key) === own && this.#forgetting.delete(key);
  }

  #take(key: string, source: Source<M>): Promise<Flight<M> | undefined> {
    const flight = this.#open(key, source);
    this.#flights.set(key, flight);
    /** Whether whoever comes now still joins: what was forgotten in between is another flight. */
    const isCurrent = (): boolean => this.#flights.get(key) === flight;
    const landed = (): void => void (isCurrent() && this.#flights.delete(key));
    flight.then((open) => {
      if (!open || open.landing.in === 'nothing') return landed();
      open.landed = this.#fly(open.sourced.keptAs ?? key, open, isCurrent).finally(landed);
      open.landed.catch(() => {}); // those who read it are told by their streams
    }, landed);
    return flight;
  }

  async #open(key: string, source: Source<M>): Promise<Flight<M> | undefined> {
    const sourced = await source.open();
    if (!sourced) return undefined;
    // Whoever reads it hears of its failure; until somebody does, it must not end the process.
    sourced.body.on('error', () => {});
    try {
      return new Flight(sourced, await this.#landingOf(sourced.keptAs ?? key, sourced));
    } catch (error) {
      sourced.body.destroy();
      throw error;
    }
  }

  async #landingOf(key: string, { meta, sizeBytes }: Sourced<M>): Promise<Landing<M>> {
    const { memory, disk, maxBodyBytes, maxFlyingBytes } = this.#options;
    if (sizeBytes > maxBodyBytes) return { in: 'nothing' };
    if (memory.takes(sizeBytes) && this.#flyingBytes + sizeBytes <= maxFlyingBytes) {
      const body = new GrowingBody(sizeBytes); // throws where there is no memory
      const kept = { meta, bytes: body.memory };
      const giveBack = this.lend(key, kept);
      if (giveBack) {
        this.#flyingBytes += sizeBytes;
        return { in: 'memory', body, kept, giveBack };
      }
    }
    const body = await disk?.write(key, meta, sizeBytes);
    return body ? { in: 'disk', body } : { in: 'nothing' };
  }

  /** Fetches the body and keeps it. */
  async #fly(key: string, { sourced, landing }: Flight<M>, isCurrent: () => boolean): Promise<void> {
    if (landing.in === 'nothing') return;
    if (landing.in === 'memory') {
      try {
        await this.#fetch(sourced, landing.body);
        if (landing.body.bytes && isCurrent()) this.#keep(key, landing.kept);
      } finally {
        this.#flyingBytes -= sourced.sizeBytes;
        landing.giveBack();
      }
    } else {
      await this.#fetch(sourced, landing.body);
      // What is forgotten from here on is so after it was written.
      if (isCurrent()) await this.#whileKeeping(key, landing.body.commit());
      else await landing.body.letGo();
    }
  }

  async #fetch({ body, bytes }: Sourced<M>, into: BodyWriting): Promise<void> {
    const { onFetched } = this.#options;
    this.#fetched.add(body);
    try {
      if (this.#isClosed) throw closed();
      for await (const chunk of bytes ? [bytes] : body) {
        onFetched?.(chunk.length);
        await into.append(chunk);
      }
      if (into instanceof GrowingBody) await into.commit();
    } catch (error) {
      body.destroy();
      await into.abort(error as Error);
      throw error;
    } finally {
      this.#fetched.delete(body);
    }
  }

  #readingOf(key: string, flight: Flight<M>, source: Source<M>, outcome: ReadOutcome): Reading<M> {
    const { meta, sizeBytes, keptAs } = flight.sourced;
    const { landing } = flight;
    // Of one that has landed meanwhile and went again there may be no room for another reader: then it goes through.
    const close = landing.in === 'memory' ? this.lend(keptAs ?? key, landing.kept) : (): void => {};
    if (landing.in !== 'nothing' && close) {
      const bytes = landing.in === 'memory' ? landing.body.bytes : undefined;
      const open = async (span: ByteSpan | 'whole'): Promise<Readable> => landing.body.follow(span);
      return { meta, sizeBytes, outcome, bytes, open, close };
    }
    const whole = flight.take();
    if (sizeBytes === 0) {
      whole?.destroy();
      return ofBytes({ meta, bytes: new Uint8Array() }, 'through', () => {}); // no source can be asked for a part of it
    }
    return {
      meta,
      sizeBytes,
      outcome: 'through',
      async open(span) {
        if (whole && isWhole(span, sizeBytes)) return whole;
        whole?.destroy();
        const asked = span === 'whole' ? { first: 0, last: sizeBytes - 1 } : span;
        return source.openPart(asked, meta);
      },
      close: () => void whole?.destroy(),
    };
  }

  /** `undefined`: there is nothing, or no room to lend it. */
  #lent(key: string, kept: Kept<M> | undefined, outcome: ReadOutcome): Reading<M> | undefined {
    const giveBack = kept && this.lend(key, kept);
    return giveBack && ofBytes(kept, outcome, giveBack);
  }

  #keep(key: string, kept: Kept<M>): void {
    const { memory, disk } = this.#options;
    const { length } = kept.bytes;
    memory.set(key, kept, length);
    if (disk && this.#keepingBytes + length <= MAX_KEEPING_BYTES)
      this.#whileKeeping(key, this.#write(disk, key, kept));
  }

  async #write(disk: BodyTier<M>, key: string, { meta, bytes }: Kept<M>): Promise<void> {
    this.#keepingBytes += bytes.length;
    try {
      await this.#keepings.get(key); // what came before is written before
      const writing = await disk.write(key, meta, bytes.length);
      await writing?.append(bytes);
      await writing?.commit();
    } finally {
      this.#keepingBytes -= bytes.length;
    }
  }

  /** After what is being kept already. Trouble of the disk tier is its own to tell. */
  #whileKeeping(key: string, work: Promise<unknown>): Promise<void> {
    const keeping = Promise.allSettled([this.#keepings.get(key), work]).then(() => {
      if (this.#keepings.get(key) === keeping) this.#keepings.delete(key);
    });
    this.#keepings.set(key, keeping);
    return keeping;
  }

  /** One reading of the disk for all who ask meanwhile. */
  #promote(disk: BodyTier<M>, key: string): Promise<Kept<M> | undefined> {
    const underWay = this.#promotions.get(key);
    if (underWay) return underWay;
    const isCurrent = (): boolean => this.#promotions.get(key) === promotion;
    const promotion = this.#readWhole(disk, key, isCurrent).finally(() => {
      if (isCurrent()) this.#promotions.delete(key);
    });
    this.#promotions.set(key, promotion);
    return promotion;
  }

  /** @param isCurrent what was forgotten meanwhile is not brought back */
  async #readWhole(disk: BodyTier<M>, key: string, isCurrent: () => boolean): Promise<Kept<M> | undefined> {
    const { memory, clock } = this.#options;
    const held = await disk.read(key);
    const bytes = await held?.bytes();
    const kept = held && bytes && { meta: held.meta, bytes };
    if (kept && isCurrent())
      memory.set(key, kept, kept.bytes.length, Math.max(0, clock.now() - held.storedAt));
    return kept;
  }
}

function closed(): Error {
  return new Error('the cache was closed');
}

function isWhole(span: ByteSpan | 'whole', sizeBytes: number): boolean {
  return span === 'whole' || spanLength(span) === sizeBytes;
}

function ofBytes<M>({ meta, bytes }: Kept<M>, outcome: ReadOutcome, close: GiveBack): Reading<M> {
  return {
    meta,
    sizeBytes: bytes.length,
    outcome,
    bytes,
    open: () => Promise.reject(new Error('unreachable: what is in memory is not opened')),
    close,
  };
}

function ofHeld<M>(held: HeldBody<M>): Reading<M> {
  return {
    meta: held.meta,
    sizeBytes: held.sizeBytes,
    outcome: 'disk',
    open: async (span) => held.stream(span),
    ...(held.sendTo ? { sendTo: held.sendTo.bind(held) } : {}),
    close: () => held.close(),
  };
}
