import type { Readable } from 'node:stream';
import type {
  InterceptedAnswer,
  InterceptedHead,
  InterceptedRequest,
  ResponseInterceptor,
} from '../../http/response-interceptor.ts';
import { type Fields, fieldValue } from '../../http-cache/fields.ts';
import { BUILD_FIELD, binaryAnswer } from './binary-answer.ts';
import type { BuildSpec } from './build-spec.ts';
import type { BinarySource, Builds } from './builds.ts';
import { receiveSpec } from './receive-spec.ts';

/** Told of each response that asked for a build. `left`: its client did not wait. */
export type OnAnswer = (result: BinarySource | 'failed' | 'left') => void;

/** Answers a response that asks for a build (`X-Velox-Build`) with the binary. */
export class BuildInterceptor implements ResponseInterceptor {
  readonly #builds: Pick<Builds, 'open'>;
  readonly #onAnswer: OnAnswer;

  constructor(builds: Pick<Builds, 'open'>, onAnswer: OnAnswer = () => {}) {
    this.#builds = builds;
    this.#onAnswer = onAnswer;
  }

  takes(method: string, { status, fields }: InterceptedHead): boolean {
    const value = fieldValue(fields, BUILD_FIELD);
    if (value === undefined || value.trim() === '') return false;
    return method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304;
  }

  async answer(
    request: InterceptedRequest,
    { fields }: InterceptedHead,
    body: Readable,
    signal: AbortSignal,
  ): Promise<InterceptedAnswer> {
    try {
      return await this.#answer(request, fields, await receiveSpec(fields, body), signal);
    } catch (error) {
      this.#onAnswer(signal.aborted ? 'left' : 'failed');
      throw error;
    }
  }

  async #answer(
    request: InterceptedRequest,
    fields: Fields,
    spec: BuildSpec,
    signal: AbortSignal,
    isRetry = false,
  ): Promise<InterceptedAnswer> {
    const { binary, source } = await this.#builds.open(spec, signal);
    const answer = await binaryAnswer(request, binary, fields);
    // What is kept and damaged is no answer while the client has been told nothing. It is kept no longer, unless the disk
    // is in trouble: then nothing of it is asked for again.
    if (answer === undefined)
      return this.#answer(request, fields, isRetry ? { ...spec, forceRebuild: true } : spec, signal, true);
    this.#onAnswer(source);
    return { ...answer, detail: `binary-${source}` };
  }
}
