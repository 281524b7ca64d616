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

/** Thrown and caught in this file alone. */
class Malformed extends Error {}

/** `undefined` where the bytes are no `ActionResult`. */
export function blobsOfAction(message: Uint8Array): ActionBlobs | undefined {
  return unlessMalformed(() => {
    const directories = messagesIn(message, 3); // output_directories
    const trees = directories.flatMap((directory) => digestsIn(directory, 3)); // tree_digest
    const blobs = [
      ...messagesIn(message, 2).flatMap((file) => digestsIn(file, 2)), // output_files, digest
      ...directories.flatMap((directory) => digestsIn(directory, 5)), // root_directory_digest
      ...digestsIn(message, 6), // stdout_digest
      ...digestsIn(message, 8), // stderr_digest
    ];
    return { blobs: new Set([...blobs, ...trees]), trees: new Set(trees) };
  });
}

/** The files of a `Tree`, whose directories are all within it; `undefined` where the bytes are none. */
export function blobsOfTree(message: Uint8Array): ReadonlySet<Digest> | undefined {
  return unlessMalformed(() => {
    const directories = [...messagesIn(message, 1), ...messagesIn(message, 2)]; // root, children
    const files = directories.flatMap((directory) => messagesIn(directory, 1)); // files
    return new Set(files.flatMap((file) => digestsIn(file, 2))); // digest
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

/** `Digest`s in a field of a message. */
function digestsIn(message: Uint8Array, number: number): Digest[] {
  return messagesIn(message, number).map((digest) => {
    const [hash] = messagesIn(digest, 1);
    const parsed = parseDigest(Buffer.from(hash ?? []).toString('latin1'));
    if (parsed === undefined) throw new Malformed();
    return parsed;
  });
}

function messagesIn(message: Uint8Array, number: number): Uint8Array[] {
  const fields = fieldsOf(message);
  if (!fields) throw new Malformed();
  return fields
    .filter((field) => field.number === number)
    .map(({ bytes }) => {
      if (!bytes) throw new Malformed();
      return bytes;
    });
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
