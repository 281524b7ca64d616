import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 5;
const GIVE_UP_AFTER_MS = 20_000;

/** Waits for something another process does. The limit only ends a test that has failed. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + GIVE_UP_AFTER_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for: ${condition}`);
    await pause(POLL_MS);
  }
}
