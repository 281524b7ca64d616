const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Interruption extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Aborted by the second. */
  readonly hurry: AbortSignal;
  /** The first signal's name, once it came. */
  readonly name: () => NodeJS.Signals | undefined;
}

/** Listens for Ctrl-C and its like until disposed. */
export function listenForSignals(): Interruption {
  const [first, second] = [new AbortController(), new AbortController()];
  let name: NodeJS.Signals | undefined;
  const on = (signal: NodeJS.Signals): void => {
    if (name === undefined) {
      name = signal;
      first.abort();
    } else second.abort();
  };
  for (const signal of SIGNALS) process.on(signal, on);
  return {
    signal: first.signal,
    hurry: second.signal,
    name: () => name,
    [Symbol.dispose]() {
      for (const signal of SIGNALS) process.off(signal, on);
    },
  };
}
