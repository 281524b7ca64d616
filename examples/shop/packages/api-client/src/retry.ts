import { ApiError } from './api-error.ts';

export interface RetryOptions {
  /** How often to try in all. */
  readonly attempts: number;
  /** Resolves when it is time for the attempt after this one (counted from 1). */
  readonly pause: (attempt: number) => Promise<void>;
}

/** Tries again after trouble that may pass: a lost connection, too many requests, a server error. */
export async function retry<T>(work: () => Promise<T>, { attempts, pause }: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const final = error instanceof ApiError && !error.passing;
      if (final || attempt >= attempts) throw error;
      await pause(attempt);
    }
  }
}

/** 100 ms, 200 ms, 400 ms, … */
export function exponentialPause(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100 * 2 ** (attempt - 1)));
}
