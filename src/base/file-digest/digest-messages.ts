import type { Digest } from '../digest.ts';

/** What a thread reads in a row before others' files have their turn. */
export const SLAB_BYTES = 1024 * 1024;

/** What a thread is told. Nothing more is said of a number once it was answered. */
export type DigestOrder =
  | {
      readonly kind: 'read';
      /** Of the digest; no other has it, before or after. */
      readonly id: number;
      readonly fd: number;
      /** So many bytes are in the file. */
      readonly upTo: number;
      /** That is all of it: an answer is due. */
      readonly isWhole: boolean;
    }
  /** The descriptor is not to be touched any more: that is the answer. */
  | { readonly kind: 'abort'; readonly id: number };

/** The first for a digest is the last that its thread has to do with it. */
export type DigestAnswer = { readonly id: number } & (
  | { readonly kind: 'digest'; readonly digest: Digest }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'failed'; readonly message: string }
);
