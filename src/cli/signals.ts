const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** SIGTERM or SIGINT, the next time one comes: a server's end. */
export function nextStopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, done);
      resolve();
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, done);
  });
}

/**
 * Stops a server when it is time to; from the next such signal on it waits for nothing.
 * @param time taken with `nextStopSignal` before the server began, so that none is missed
 */
export async function stopAt(
  time: Promise<void>,
  server: { stop(now: AbortSignal): Promise<void> },
): Promise<void> {
  await time;
  const now = new AbortController();
  nextStopSignal().then(() => now.abort());
  await server.stop(now.signal);
}

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
