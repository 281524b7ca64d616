import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { AdminClient, type AdminQuestion } from './admin-client.ts';
import { findSocket } from './find-socket.ts';

/** Long, for a store that has much to go through. */
const TIMEOUT_MS = 60_000;

export const ADMIN_SOCKET_OPTION = 'admin socket of the proxy; without it, that of the only one that runs';

/** Adds the flag that names the socket. */
export function withAdminSocket(command: Command): Command {
  return command.option('--socket <path>', ADMIN_SOCKET_OPTION);
}

/**
 * Asks the admin side of the proxy that a command means. Who may open its socket may do all that it does: there is no token.
 * @param command has `withAdminSocket`
 * @throws VelocityError as `AdminClient.ask` and `findSocket` do
 */
export async function askAdmin<T>(command: Command, io: Io, question: AdminQuestion<T>): Promise<T> {
  const socket = await findSocket(command.getOptionValue('socket') as string | undefined, io);
  return new AdminClient(socket, AbortSignal.timeout(TIMEOUT_MS)).ask(question);
}
