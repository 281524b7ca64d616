import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { VelocityError } from '../../base/errors.ts';
import { AdminClient } from '../admin/admin-client.ts';
import { ADMIN_SOCKET_OPTION } from '../admin/ask-admin.ts';
import { findSocket } from '../admin/find-socket.ts';
import type { Io } from '../io.ts';
import { listenForSignals } from '../signals.ts';
import { LiveBlock } from './live-block.ts';

/** What a command that watches a caching proxy works with. */
export interface Watching {
  readonly client: AdminClient;
  /** Aborted by Ctrl-C and its like, and when nobody reads standard output any more. */
  readonly signal: AbortSignal;
  /** Resolves after a second, or with the signal. Never rejects. */
  readonly second: () => Promise<void>;
}

/** The options that all such commands have. */
export function addWatchOptions(command: Command): void {
  command.option('--socket <path>', ADMIN_SOCKET_OPTION).option('--once', 'print what is known now and end');
}

/**
 * Finds the proxy and has it watched until that is done, or nobody looks any more: that is no failure.
 * @throws VelocityError `PROXY_UNREACHABLE`, `USAGE`
 */
export async function watch(
  { socket }: { readonly socket?: string },
  io: Io,
  act: (watching: Watching) => Promise<void>,
): Promise<void> {
  using interruption = listenForSignals();
  const left = new AbortController();
  const onLeft = (): void => left.abort();
  for (const event of ['error', 'close']) io.stdout.on(event, onLeft);
  const signal = AbortSignal.any([interruption.signal, left.signal]);
  try {
    const client = new AdminClient(await findSocket(socket, io), signal);
    const second = (): Promise<void> => pause(1000, undefined, { signal }).catch(() => {});
    await act({ client, signal, second });
  } catch (error) {
    if (!(signal.aborted && error instanceof VelocityError)) throw error; // what was asked was broken off by us
  } finally {
    for (const event of ['error', 'close']) io.stdout.off(event, onLeft);
  }
}

/**
 * Shows lines anew each second until the signal comes; once where that is asked for, and where standard output is no
 * terminal.
 */
export async function showLive(
  { signal, second }: Watching,
  { once, io }: { readonly once: boolean; readonly io: Io },
  lines: () => Promise<readonly string[]> | readonly string[],
): Promise<void> {
  const block = new LiveBlock(io.stdout);
  do {
    block.show(await lines());
    if (once || !block.isLive) return;
    await second();
  } while (!signal.aborted);
}
