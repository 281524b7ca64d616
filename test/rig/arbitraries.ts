import fc from 'fast-check';
import { keyRefusal, type ObjectKey, parseObjectKey } from '../../src/storage/object-key.ts';

const segment = fc.oneof(
  fc.stringMatching(/^[a-z0-9_-]{1,12}$/),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.string({ unit: 'grapheme', minLength: 60, maxLength: 400 }),
  // Few letters, so that keys are often each other's prefixes and siblings.
  fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', '%', 'A', 'é'), minLength: 1, maxLength: 4 }),
  fc.string({ unit: fc.constantFrom('x', '.'), minLength: 170, maxLength: 200 }),
);

/** Keys of every allowed kind: long and short, one segment and many, in any script. */
export const objectKeys: fc.Arbitrary<ObjectKey> = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join('/'))
  .filter((text) => keyRefusal(text) === undefined)
  .map(parseObjectKey);
