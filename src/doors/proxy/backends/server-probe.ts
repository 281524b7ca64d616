import type { Clock } from '../../../base/clock.ts';
import { messageOf } from '../../../base/errors.ts';
import type { OriginClient } from '../origin/origin-client.ts';
import type { ProbeSettings } from './backend-config.ts';
import { ProbeWindow } from './probe-window.ts';
import { isAmong } from './status-ranges.ts';

export interface ServerProbeOptions extends ProbeSettings {
  readonly clock: Clock;
  /** Of its own: a probe does not wait behind requests. */
  readonly client: OriginClient;
  /** The Host that the server is told. */
  readonly host: string;
  /** @param why of the probe that turned it */
  readonly onChange: (isWell: boolean, why: string) => void;
}

/** Asks one server from time to time whether it is well. */
export class ServerProbe {
  readonly #options: ServerProbeOptions;
  readonly #window: ProbeWindow;
  readonly #stopped = new AbortController();
  #cancel = (): void => {};

  constructor(options: ServerProbeOptions) {
    this.#options = options;
    this.#window = new ProbeWindow(options.window, options.threshold);
  }

  get isWell(): boolean {
    return this.#window.isWell;
  }

  /** Asks at once, and then again and again. */
  start(): void {
    void this.#turn();
  }

  stop(): void {
    this.#stopped.abort();
    this.#cancel();
    this.#options.client.close();
  }

  async #turn(): Promise<void> {
    const { clock, interval, expected, onChange } = this.#options;
    const answer = await this.#ask();
    if (this.#stopped.signal.aborted) return;
    const wasWell = this.isWell;
    this.#window.add(typeof answer === 'number' && isAmong(answer, expected));
    if (this.isWell !== wasWell) onChange(this.isWell, String(answer));
    this.#cancel = clock.after(interval, () => this.start());
  }

  /** The status that it answers, or why it does not. */
  async #ask(): Promise<number | string> {
    const { clock, client, host, target, timeout } = this.#options;
    const late = new AbortController();
    const cancel = clock.after(timeout, () => late.abort(new Error(`no answer in ${timeout} ms`)));
    try {
      const fields = ['Host', host, 'User-Agent', 'velocity-probe'];
      const signal = AbortSignal.any([late.signal, this.#stopped.signal]);
      const { status, body } = await client.send({ method: 'GET', target, fields }, { signal });
      body.destroy();
      return status;
    } catch (error) {
      return messageOf(error);
    } finally {
      cancel();
    }
  }
}
