/**
 * What an action result stands on: the blobs without which it is worth nothing. Messages and field numbers are those of
 * https://github.com/bazelbuild/remote-apis/blob/main/build/bazel/remote/execution/v2/remote_execution.proto
 */
import { type Digest, parseDigest } from '../../../base/digest.ts';
import { fieldsOf } from './protobuf-fields.ts';

export interface ActionBlobs {
  readonly blobs: ReadonlySet<Digest>;
  /** Of the blobs, those that are trees, which name blobs of their own: `blobsOfTree`. */
  readonly trees: ReadonlySet<Digest>;
}

/**
 * A file with its digest has 70 bytes and more, and is three messages. What packs more of them into its bytes is made to
 * cost time and memory, and is taken for none.
 */
const MESSAGES_FOR_ALL = 1_000;
const BYTES_PER_MESSAGE = 16;

/** Thrown and caught in this file alone. */
class Malformed extends Error {}

/** `undefined` where the bytes are no `ActionResult`. */
export function blobsOfAction(message: Uint8Array): ActionBlobs | undefined {
  return readAll(message, (reader) => {
    const directories = reader.messagesIn(message, 3); // output_directories
    const trees = directories.flatMap((directory) => reader.digestsIn(directory, 3)); // tree_digest
    const blobs = [
      ...reader.messagesIn(message, 2).flatMap((file) => reader.digestsIn(file, 2)), // output_files, digest
      ...directories.flatMap((directory) => reader.digestsIn(directory, 5)), // root_directory_digest
      ...reader.digestsIn(message, 6), // stdout_digest
      ...reader.digestsIn(message, 8), // stderr_digest
    ];
    return { blobs: new Set([...blobs, ...trees]), trees: new Set(trees) };
  });
}

/** The files of a `Tree`, whose directories are all within it; `undefined` where the bytes are none. */
export function blobsOfTree(message: Uint8Array): ReadonlySet<Digest> | undefined {
  return readAll(message, (reader) => {
    const directories = [...reader.messagesIn(message, 1), ...reader.messagesIn(message, 2)]; // root, children
    const files = directories.flatMap((directory) => reader.messagesIn(directory, 1)); // files
    return new Set(files.flatMap((file) => reader.digestsIn(file, 2))); // digest
  });
}

/**
 * The same of an `ActionResult` in proto3's JSON, which moon keeps: every `Digest` in it, for no other message there has a
 * `hash`. `undefined` where it is no JSON.
 */
export function blobsOfJsonAction(text: Uint8Array): ReadonlySet<Digest> | undefined {
  const blobs = new Set<Digest>();
  let values: unknown[];
  try {
    values = [JSON.parse(new TextDecoder().decode(text))];
  } catch {
    return undefined;
  }
  while (values.length > 0) {
    const objects = values.filter((value) => typeof value === 'object' && value !== null);
    for (const value of objects) {
      const hash = 'hash' in value && typeof value.hash === 'string' ? parseDigest(value.hash) : undefined;
      if (hash !== undefined) blobs.add(hash);
    }
    values = objects.flatMap((value) => Object.values(value));
  }
  return blobs;
}

/** Reads one message and those within it, up to so many. */
class Reader {
  #left: number;

  constructor(messages: number) {
    this.#left = messages;
  }

  /** `Digest`s in a field of a message. */
  digestsIn(message: Uint8Array, number: number): Digest[] {
    return this.messagesIn(message, number).map((digest) => {
      const [hash] = this.messagesIn(digest, 1);
      const parsed = parseDigest(Buffer.from(hash ?? []).toString('latin1'));
      if (parsed === undefined) throw new Malformed();
      return parsed;
    });
  }

  messagesIn(message: Uint8Array, number: number): Uint8Array[] {
    const fields = fieldsOf(message, { number, atMost: this.#left });
    if (!fields) throw new Malformed();
    this.#left -= fields.length;
    return fields.map(({ bytes }) => {
      if (!bytes) throw new Malformed();
      return bytes;
    });
  }
}

function readAll<T>(message: Uint8Array, read: (reader: Reader) => T): T | undefined {
  try {
    return read(new Reader(MESSAGES_FOR_ALL + Math.floor(message.length / BYTES_PER_MESSAGE)));
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
