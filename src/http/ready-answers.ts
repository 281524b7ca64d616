import type { AnswerHead } from './answer-head.ts';

/** Of all that are ready; beyond it they are made anew as they are asked for. */
const MOST_BYTES = 8 * 1024 * 1024;

interface ReadyAnswer {
  readonly bytes: Uint8Array;
  lastFields: Uint8Array;
}

/**
 * Answers as they go out, head and body in one: for bodies whose copy, for each request, would cost more than to keep one.
 * An answer that the system has not taken yet is read from there, and is to be forgotten: the next one is made anew.
 */
export class ReadyAnswers {
  readonly #ready = new Map<AnswerHead, ReadyAnswer>();
  #bytes = 0;

  /**
   * For who writes the request's id into it.
   * @param head of this body alone
   * @param lastFields the same object while they say the same
   */
  of(head: AnswerHead, lastFields: Uint8Array, body: Uint8Array): Uint8Array {
    const known = this.#ready.get(head);
    if (known?.lastFields.length === lastFields.length) {
      if (known.lastFields !== lastFields) known.bytes.set(lastFields, head.length);
      known.lastFields = lastFields;
      return known.bytes;
    }
    this.forget(head);
    const length = head.length + lastFields.length + body.length;
    if (this.#bytes + length > MOST_BYTES) this.#clear();
    const bytes = Buffer.allocUnsafeSlow(length);
    head.putInto(bytes, 0);
    bytes.set(lastFields, head.length);
    bytes.set(body, head.length + lastFields.length);
    this.#ready.set(head, { bytes, lastFields });
    this.#bytes += length;
    return bytes;
  }

  forget(head: AnswerHead): void {
    this.#bytes -= this.#ready.get(head)?.bytes.length ?? 0;
    this.#ready.delete(head);
  }

  #clear(): void {
    this.#ready.clear();
    this.#bytes = 0;
  }
}
