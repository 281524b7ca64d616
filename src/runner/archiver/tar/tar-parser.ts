import { BLOCK_BYTES, paddingAfter, type TarEntry } from './tar-entry.ts';
import { damaged, decodeHeader, decodePaxRecords } from './tar-header.ts';

export type TarEvent =
  | { readonly type: 'entry'; readonly entry: TarEntry }
  /** Part of the last entry's body; a view of what was pushed, not a copy. */
  | { readonly type: 'data'; readonly chunk: Buffer };

/** All extended headers before one entry: they hold names; more than this is an attack on memory or time. */
const MAX_EXTENDED_BYTES = 1024 * 1024;

type State =
  | { readonly reading: 'header' }
  | { readonly reading: 'extended'; readonly type: string; readonly sizeBytes: number }
  | { readonly reading: 'body' }
  | { readonly reading: 'done' };

/**
 * Reads ustar, pax and GNU archives, pushed in pieces of any size. Kinds that an artifact
 * never holds (hard links, devices, pipes, sparse files) are errors, not entries.
 */
export class TarParser {
  #state: State = { reading: 'header' };
  /** Bytes of a header or extended body that are not complete yet. */
  #pending: Buffer = Buffer.alloc(0);
  #bodyLeft = 0;
  #bodyPadding = 0;
  #paddingLeft = 0;
  #extended = new Map<string, string>();
  #extendedBytes = 0;
  #zeroBlocks = 0;

  /** @throws VelocityError `ARTIFACT_DAMAGED` or `ARTIFACT_REFUSED` */
  *push(chunk: Buffer): Iterable<TarEvent> {
    let rest: Buffer = chunk;
    while (rest.length > 0) {
      if (this.#paddingLeft > 0) {
        const skipped = Math.min(this.#paddingLeft, rest.length);
        this.#paddingLeft -= skipped;
        rest = rest.subarray(skipped);
        continue;
      }
      switch (this.#state.reading) {
        case 'body': {
          const part = rest.subarray(0, this.#bodyLeft);
          this.#bodyLeft -= part.length;
          rest = rest.subarray(part.length);
          yield { type: 'data', chunk: part };
          if (this.#bodyLeft === 0) this.#endBody();
          break;
        }
        case 'header': {
          const taken = this.#gather(rest, BLOCK_BYTES);
          rest = rest.subarray(taken.used);
          if (taken.whole) yield* this.#header(taken.whole);
          break;
        }
        case 'extended': {
          const { type, sizeBytes } = this.#state;
          const taken = this.#gather(rest, sizeBytes);
          rest = rest.subarray(taken.used);
          if (taken.whole) this.#extendedBody(type, taken.whole);
          break;
        }
        case 'done':
          return; // archives are padded to whole records; what follows the end is nothing
      }
    }
  }

  /** Whether the archive's end was seen. */
  get isDone(): boolean {
    return this.#state.reading === 'done';
  }

  /** @throws VelocityError `ARTIFACT_DAMAGED` where the archive stopped before its end. */
  end(): void {
    if (this.#state.reading !== 'done') throw damaged('it ends before its last block');
  }

  #gather(rest: Buffer, wanted: number): { used: number; whole: Buffer | undefined } {
    const used = Math.min(wanted - this.#pending.length, rest.length);
    const part = rest.subarray(0, used);
    const gathered = this.#pending.length === 0 ? part : Buffer.concat([this.#pending, part]);
    const isWhole = gathered.length === wanted;
    this.#pending = isWhole ? Buffer.alloc(0) : gathered;
    return { used, whole: isWhole ? gathered : undefined };
  }

  *#header(block: Buffer): Iterable<TarEvent> {
    if (block.every((byte) => byte === 0)) {
      this.#zeroBlocks++;
      if (this.#zeroBlocks === 2) this.#state = { reading: 'done' };
      return;
    }
    if (this.#zeroBlocks > 0) throw damaged('an entry follows its end');
    const { name, target, type, mode, sizeBytes } = decodeHeader(block);
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      this.#extendedBytes += BLOCK_BYTES + sizeBytes;
      if (this.#extendedBytes > MAX_EXTENDED_BYTES) throw damaged('an extended header is beyond all bounds');
      if (sizeBytes > 0) this.#state = { reading: 'extended', type, sizeBytes };
      return;
    }
    yield { type: 'entry', entry: this.#entry(name, target, type, mode, sizeBytes) };
  }

  #entry(name: string, target: string, type: string, mode: number, size: number): TarEntry {
    const sizeText = this.#extended.get('size');
    const sizeBytes = sizeText === undefined ? size : Number(sizeText);
    const kind = kindOf(type);
    if (kind === undefined) throw damaged(`it holds an entry of type "${type}", which no artifact has`);
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || (kind !== 'file' && sizeBytes > 0)) {
      throw damaged('a size is beyond all bounds');
    }
    const entry: TarEntry = {
      path: (this.#extended.get('path') ?? name).replace(/\/$/, ''),
      kind,
      mode: mode & 0o777,
      sizeBytes,
      target: kind === 'link' ? (this.#extended.get('linkpath') ?? target) : '',
    };
    this.#extended = new Map();
    this.#extendedBytes = 0;
    this.#bodyLeft = sizeBytes;
    this.#bodyPadding = paddingAfter(sizeBytes);
    if (sizeBytes > 0) this.#state = { reading: 'body' };
    return entry;
  }

  #endBody(): void {
    this.#paddingLeft = this.#bodyPadding;
    this.#state = { reading: 'header' };
  }

  #extendedBody(type: string, body: Buffer): void {
    if (type === 'x') this.#extended = decodePaxRecords(body);
    // GNU's long names end with a NUL.
    if (type === 'L') this.#extended.set('path', body.toString('utf8').replace(/\0.*$/s, ''));
    if (type === 'K') this.#extended.set('linkpath', body.toString('utf8').replace(/\0.*$/s, ''));
    this.#paddingLeft = paddingAfter(body.length);
    this.#state = { reading: 'header' };
  }
}

function kindOf(type: string): TarEntry['kind'] | undefined {
  if (type === '0') return 'file';
  if (type === '2') return 'link';
  return type === '5' ? 'directory' : undefined;
}
