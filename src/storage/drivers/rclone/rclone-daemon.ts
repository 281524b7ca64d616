import type { Clock } from '../../../base/clock.ts';
import { VelocityError } from '../../../base/errors.ts';
import { RcloneProcess, type RcloneProgram } from './rclone-process.ts';

/** A process that lived so long did not end of its start. */
const STEADY_AFTER_MS = 60_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** A server has one clock. */
const shared = new WeakMap<Clock, Map<string, RcloneDaemon>>();

/**
 * An rclone that is there when it is asked for: started by the first who asks, and again after it ended, at once the
 * first time and after a pause that doubles where it goes on ending. The stores of a server share it; it ends with the
 * last of them.
 */
export class RcloneDaemon {
  readonly #program: RcloneProgram;
  readonly #clock: Clock;
  readonly #onUnused: () => void;
  #users = 0;
  #starting: Promise<RcloneProcess> | undefined;
  #running: RcloneProcess | undefined;
  /** Ends in a row, of starts that failed and of processes that were not steady. */
  #ends = 0;
  #endedAt = 0;

  private constructor(program: RcloneProgram, clock: Clock, onUnused: () => void) {
    this.#program = program;
    this.#clock = clock;
    this.#onUnused = onUnused;
  }

  /** That of the server for this program, with one user more, who calls `release` when it is done. */
  static of(program: RcloneProgram, clock: Clock): RcloneDaemon {
    const daemons = shared.get(clock) ?? new Map<string, RcloneDaemon>();
    shared.set(clock, daemons);
    const name = JSON.stringify([program.program, program.configFile]);
    const daemon = daemons.get(name) ?? new RcloneDaemon(program, clock, () => daemons.delete(name));
    daemons.set(name, daemon);
    daemon.#users++;
    return daemon;
  }

  /** @throws VelocityError `DRIVER_UNAVAILABLE` where it cannot be run, `STORAGE_UNAVAILABLE` while it does not run */
  async running(): Promise<RcloneProcess> {
    if (this.#running?.isRunning) return this.#running;
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async release(): Promise<void> {
    this.#users--;
    if (this.#users > 0) return;
    this.#onUnused();
    const started = (await this.#starting?.catch(() => undefined)) ?? this.#running;
    await started?.stop();
  }

  async #start(): Promise<RcloneProcess> {
    const leftMs = this.#endedAt + this.#pauseMs() - this.#clock.elapsed();
    if (leftMs > 0) {
      const when = `it is started again in ${Math.ceil(leftMs / 1000)} s`;
      throw new VelocityError('STORAGE_UNAVAILABLE', `rclone ended ${this.#ends} times in a row; ${when}.`);
    }
    const startedAt = this.#clock.elapsed();
    const process = await RcloneProcess.start(this.#program, this.#clock).catch((error: unknown) => {
      this.#ended(startedAt);
      throw error;
    });
    this.#running = process;
    process.onEnd(() => {
      process.client.close();
      this.#ended(startedAt);
    });
    return process;
  }

  #ended(startedAt: number): void {
    this.#endedAt = this.#clock.elapsed();
    this.#ends = this.#endedAt - startedAt < STEADY_AFTER_MS ? this.#ends + 1 : 1;
  }

  #pauseMs(): number {
    return this.#ends < 2 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#ends - 2));
  }
}
