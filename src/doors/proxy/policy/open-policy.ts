import type { Clock } from '../../../base/clock.ts';
import { messageOf, systemCode, VelocityError } from '../../../base/errors.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { RareWarning } from '../../../telemetry/rare-warning.ts';
import { type CompiledPolicy, compilePolicy } from './guest/compiled-policy.ts';
import type { FailureKind } from './guest/guest-failure.ts';
import type { Policy, PolicyHook } from './policy.ts';
import { type PolicyBytes, PolicyFile } from './policy-file.ts';
import type { PolicySettings } from './settings.ts';
import { WasmPolicy } from './wasm-policy.ts';

export interface PolicySurroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For metrics; the log is written here. */
  readonly onFailure?: (kind: FailureKind, hook: PolicyHook) => void;
  /** It is left alone for a while, because it failed too often. */
  readonly onRest?: () => void;
  /** The file was changed: its new content is used, or cannot be. */
  readonly onReload?: (outcome: 'taken' | 'refused') => void;
}

/**
 * The policy that the settings name. `undefined` where they name none, or no file is there, which is told once.
 * Rejects with `POLICY_INVALID` where the file cannot be used. Later changes of it are taken; one that cannot be leaves
 * the policy as it was.
 */
export async function openPolicy(
  settings: PolicySettings,
  around: PolicySurroundings,
): Promise<Policy | undefined> {
  const { policyPath, policyMaxMemory } = settings;
  if (policyPath === undefined) return undefined;
  const { clock, logger } = around;
  const file = new PolicyFile(policyPath, clock);
  const first = await readFirst(file, logger);
  if (first === undefined) return undefined;
  const policy = await named(file.path, async () => {
    const compiled = await compilePolicy(first.bytes, policyMaxMemory);
    return new WasmPolicy(compiled, { settings, clock, events: eventsOf(around), close: () => file.close() });
  });
  logger.info({ policy: file.path, digest: first.digest }, 'policy loaded');
  file.watch(() => reload(policy, file, policyMaxMemory, around));
  return policy;
}

async function readFirst(file: PolicyFile, logger: Logger): Promise<PolicyBytes | undefined> {
  try {
    return await file.readIfChanged();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      logger.warn({ policy: file.path }, 'there is no such policy; going on without one');
      return undefined;
    }
    throw invalid(file.path, messageOf(error), error);
  }
}

async function reload(
  policy: WasmPolicy,
  file: PolicyFile,
  maxMemory: number,
  { logger, onReload }: PolicySurroundings,
): Promise<void> {
  try {
    const changed = await file.readIfChanged();
    if (changed === undefined) return;
    const compiled: CompiledPolicy = await compilePolicy(changed.bytes, maxMemory);
    policy.replace(compiled);
    logger.info({ policy: file.path, digest: changed.digest }, 'policy loaded anew');
    onReload?.('taken');
  } catch (error) {
    if (!file.isNews(messageOf(error))) return;
    logger.warn(
      { policy: file.path, reason: messageOf(error) },
      'the changed policy cannot be used; the old one stays',
    );
    onReload?.('refused');
  }
}

/** Throws what is wrong with the file with its name. */
async function named<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof VelocityError && error.code === 'POLICY_INVALID')
      throw invalid(path, error.message, error);
    throw error;
  }
}

function invalid(path: string, reason: string, cause: unknown): VelocityError {
  return new VelocityError('POLICY_INVALID', `The policy ${path} cannot be used: ${reason}.`, {
    cause,
    field: 'proxy.policy.path',
  });
}

function eventsOf(around: PolicySurroundings) {
  const failure = new RareWarning(around, 'the policy came to no decision');
  const rest = new RareWarning(around, 'the policy fails again and again, and is left alone for a while');
  return {
    onFailure(kind: FailureKind, hook: PolicyHook, reason: string) {
      failure.happened({ kind, hook, reason });
      around.onFailure?.(kind, hook);
    },
    onRest() {
      rest.happened({});
      around.onRest?.();
    },
    log(level: 'trace' | 'debug' | 'info' | 'warn' | 'error', text: string) {
      around.logger[level]({ said: text }, 'policy');
    },
  };
}
