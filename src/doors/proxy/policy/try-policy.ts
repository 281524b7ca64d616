import { readFile } from 'node:fs/promises';
import { systemClock } from '../../../base/clock.ts';
import { messageOf, VelocityError } from '../../../base/errors.ts';
import { compilePolicy } from './guest/compiled-policy.ts';
import { Guest } from './guest/guest.ts';
import { GuestFailure } from './guest/guest-failure.ts';
import { readDecision } from './json/read-decision.ts';
import { writeQuestion } from './json/write-question.ts';
import type { PolicyHook, PolicyQuestions } from './policy.ts';

/** Of any hook; it takes what it needs. */
export type AnyQuestion = PolicyQuestions['vcl_hit'] & PolicyQuestions['vcl_deliver'];

/** One call of a policy, from the outside. */
export interface Trial {
  readonly hook: PolicyHook;
  readonly question: string;
  /** What the guest wrote; without it, it failed before. */
  readonly answer?: string;
  readonly decision?: object;
  readonly failure?: Pick<GuestFailure, 'kind' | 'message'>;
  /** Lines for the log: `warn: …`. */
  readonly said: readonly string[];
  /** Of the call, in ms, with what the engine compiles at a first one. */
  readonly duration: number;
  readonly instructions: number;
}

interface TrialLimits {
  /** ms */
  readonly deadline: number;
  /** bytes */
  readonly maxMemory: number;
}

/**
 * Asks a policy once. What the guest does wrong is part of what comes of it; rejects with `POLICY_INVALID` where it can
 * be no policy, and `USAGE` where it has no such hook. @param hook without it, the first that it has
 */
export async function tryPolicy(
  path: string,
  hook: PolicyHook | undefined,
  question: AnyQuestion,
  limits: TrialLimits,
): Promise<Trial> {
  const compiled = await refusalsNamed(path, async () =>
    compilePolicy(await readFile(path), limits.maxMemory),
  );
  const asked = hook ?? [...compiled.hooks][0];
  if (asked === undefined || !compiled.hooks.has(asked))
    throw new VelocityError('USAGE', `${path} has no ${asked}; it has ${[...compiled.hooks].join(', ')}.`);
  const said: string[] = [];
  const guest = await refusalsNamed(
    path,
    async () =>
      new Guest(compiled, {
        clock: systemClock,
        deadline: limits.deadline,
        log: (level, text) => said.push(`${level}: ${text}`),
      }),
  );
  const text = writeQuestion(asked, question);
  const startedAt = performance.now();
  let answer: string | undefined;
  let end: Pick<Trial, 'decision' | 'failure'>;
  try {
    answer = guest.call(asked, text);
    end = { decision: readDecision(asked, answer) };
  } catch (error) {
    if (!(error instanceof GuestFailure)) throw error;
    end = { failure: { kind: error.kind, message: error.message } };
  }
  return {
    hook: asked,
    question: text,
    ...(answer === undefined ? {} : { answer }),
    ...end,
    said,
    duration: performance.now() - startedAt,
    instructions: guest.spent,
  };
}

async function refusalsNamed<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new VelocityError('POLICY_INVALID', `${path} cannot be used: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}
