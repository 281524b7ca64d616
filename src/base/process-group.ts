import type { Clock } from './clock.ts';
import { systemCode } from './errors.ts';

/** How long processes may take to clean up after SIGTERM before they are killed. */
export const GRACE_MS = 5_000;
/** The end of a process that is not our child is told by nobody: it must be looked for. */
const LOOK_EVERY_MS = 20;

/** Groups that run now. */
const running = new Set<ProcessGroup>();

/** Whatever ends this process, a bug or `process.exit`: nothing that it ran outlives it. SIGKILL alone cannot be seen. */
function killRunning(): void {
  for (const group of running) group.send('SIGKILL');
}

/**
 * A command and what it started, as long as that stays in the command's process group. Disposed
 * when the command is over: what it left in the background is then nobody's.
 */
export class ProcessGroup implements Disposable {
  readonly #leader: number | undefined;
  readonly #clock: Clock;

  /** @param leader the process that leads the group; `undefined` where it could not be started */
  constructor(leader: number | undefined, clock: Clock) {
    this.#leader = leader;
    this.#clock = clock;
    if (running.size === 0) process.on('exit', killRunning);
    running.add(this);
  }

  /** Sends to all; none left is fine. */
  send(signal: NodeJS.Signals): void {
    this.#tell(signal);
  }

  /**
   * Asks all to end. Resolves when none is left, or when those left were killed: after the grace
   * time, or at once in a hurry. A zombie that nobody buries counts as one that is left.
   */
  end(hurry: AbortSignal | undefined): Promise<void> {
    this.send('SIGTERM');
    return new Promise((resolve) => {
      // A clock's waits keep no process alive, nor do other processes.
      const awake = setInterval(() => {}, GRACE_MS);
      let cancelLook = (): void => {};
      const finish = (): void => {
        clearInterval(awake);
        cancelLook();
        cancelKill();
        hurry?.removeEventListener('abort', kill);
        resolve();
      };
      const kill = (): void => {
        this.send('SIGKILL');
        finish();
      };
      const look = (): void => {
        if (!this.#tell(0)) finish();
        else cancelLook = this.#clock.after(LOOK_EVERY_MS, look);
      };
      const cancelKill = this.#clock.after(GRACE_MS, kill);
      hurry?.addEventListener('abort', kill, { once: true });
      if (hurry?.aborted) kill();
      else look();
    });
  }

  [Symbol.dispose](): void {
    running.delete(this);
    if (running.size === 0) process.off('exit', killRunning);
  }

  /** Whether anybody is there to be told; 0 only asks that (kill(2)). */
  #tell(signal: NodeJS.Signals | 0): boolean {
    if (this.#leader === undefined) return false;
    try {
      return process.kill(-this.#leader, signal);
    } catch (error) {
      return systemCode(error) === 'EPERM';
    }
  }
}
