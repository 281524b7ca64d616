/** An exchange that took longer than it may. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}
