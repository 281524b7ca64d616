import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeInto } from '../../../base/pipe-into.ts';
import { type Announced, toReadable, VerifyingStream } from '../../body.ts';

/**
 * A body as a form with one file, which ends well whatever becomes of the body: what went wrong is told afterwards, by
 * `failure`. See `RcloneClient.upload`.
 */
export class FormUpload {
  readonly boundary = `velocity-${randomBytes(18).toString('hex')}`;
  readonly form: Readable;
  /** How much of the body went into the form. */
  sizeBytes = 0;
  /** Why the body is not to be stored. */
  failure: { readonly error: unknown } | undefined;

  /** @param name in letters that stand for themselves in a quoted string */
  constructor(
    name: string,
    body: Readable | Uint8Array,
    announced: Announced,
    signal: AbortSignal | undefined,
  ) {
    const checked = pipeInto(toReadable(body), new VerifyingStream(announced));
    const onAbort = (): void => void checked.destroy(signal?.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    checked.once('close', () => signal?.removeEventListener('abort', onAbort));
    this.form = Readable.from(this.#parts(name, checked), { objectMode: false });
  }

  async *#parts(name: string, checked: Readable): AsyncIterable<Buffer> {
    const disposition = `content-disposition: form-data; name="file"; filename="${name}"`;
    yield Buffer.from(
      `--${this.boundary}\r\n${disposition}\r\ncontent-type: application/octet-stream\r\n\r\n`,
    );
    try {
      for await (const chunk of checked as AsyncIterable<Buffer>) {
        this.sizeBytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      this.failure = { error };
    }
    yield Buffer.from(`\r\n--${this.boundary}--\r\n`);
  }
}
