import { join } from 'node:path';
import { AdminSocket, type AdminSocketOptions } from '../../src/doors/proxy/admin/admin-socket.ts';
import { defaultSocketPath } from '../../src/doors/proxy/admin/socket-place.ts';
import { TransactionLog } from '../../src/doors/proxy/admin/transaction-log.ts';
import { openLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from './manual-clock.ts';
import { openTempFolder, type TempFolder } from './temp-folder.ts';

type Options = Partial<Omit<AdminSocketOptions, 'log' | 'path'>> & {
  readonly name?: string;
  /** To be where it is without settings, for port 443; else it is in a folder of its own. */
  readonly env?: NodeJS.ProcessEnv;
  /** To be in the same folder. */
  readonly beside?: OpenedAdminSocket;
  readonly capacity?: number;
  readonly feedLimit?: number;
};

/** The admin socket of a proxy that is not there: the test says what was answered. */
export class OpenedAdminSocket implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly log: TransactionLog;
  readonly socket: AdminSocket;
  readonly folder: TempFolder;

  private constructor(clock: ManualClock, log: TransactionLog, socket: AdminSocket, folder: TempFolder) {
    this.clock = clock;
    this.log = log;
    this.socket = socket;
    this.folder = folder;
  }

  static async open({
    name = 'admin.sock',
    env,
    beside,
    ...options
  }: Options = {}): Promise<OpenedAdminSocket> {
    const folder = await openTempFolder();
    const clock = new ManualClock();
    const log = new TransactionLog({ clock, ...options });
    const path = env ? await defaultSocketPath(env, 443) : join((beside?.folder ?? folder).path, name);
    const socket = await AdminSocket.open({ path, log, logger: openLogger('silent'), ...options });
    return new OpenedAdminSocket(clock, log, socket, folder);
  }

  get path(): string {
    return this.socket.path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.socket.close();
    await this.folder[Symbol.asyncDispose]();
  }
}
