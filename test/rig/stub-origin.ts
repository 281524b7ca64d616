import { Readable } from 'node:stream';
import type {
  OriginClient,
  OriginHooks,
  OriginRequest,
  OriginResponse,
} from '../../src/doors/proxy/origin/origin-client.ts';

export type StubAnswer = (hooks: OriginHooks, request: OriginRequest) => Promise<number> | number;

/** An origin client whose n-th request is answered by the n-th of these: with its status, or with what it throws. */
export class StubOrigin implements OriginClient {
  readonly asked: OriginRequest[] = [];
  isClosed = false;
  readonly #answers: StubAnswer[];

  constructor(...answers: readonly StubAnswer[]) {
    this.#answers = [...answers];
  }

  async send(request: OriginRequest, hooks: OriginHooks = {}): Promise<OriginResponse> {
    this.asked.push(request);
    const answer = this.#answers.shift();
    if (!answer) throw new Error('nothing is said of a further request');
    const status = await answer(hooks, request);
    const head = { status, reason: '', version: '1.1', fields: [], isReused: false } as const;
    return { kind: 'answer', ...head, body: Readable.from([]), trailers: () => [] };
  }

  upgrade(request: OriginRequest, _protocol: string, hooks: OriginHooks = {}): Promise<OriginResponse> {
    return this.send(request, hooks);
  }

  close(): void {
    this.isClosed = true;
  }
}
