import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Clock } from '../../../base/clock.ts';
import { type Digest, digestOf } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { BoundedLog } from './bounded-log.ts';
import { type BuildRequest, isMoving } from './build-spec.ts';
import { BuildTurns } from './build-turns.ts';
import { chooseRecipe, type NamedRecipe } from './choose-recipe.ts';
import type { Outputs } from './outputs.ts';
import type { Recipe } from './recipe-shape.ts';
import { runRecipe } from './run-recipe.ts';
import { SharedRuns } from './shared-runs.ts';

export interface BuildServiceOptions {
  readonly recipes: Readonly<Record<string, Recipe>>;
  readonly outputs: Outputs;
  /** Commands at once. */
  readonly concurrency: number;
  /** Builds that may wait for their turn. */
  readonly queue: number;
  /** The server's own variables. */
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What became of a build. */
export type BuildOutcome = BuildSuccess | BuildFailure;

export interface BuildSuccess {
  readonly ok: true;
  /** Where the binary is on this machine. */
  readonly path: string;
  readonly buildId: string;
  readonly durationMs: number;
  /** The end of what the command printed. */
  readonly logs: string;
}

export interface BuildFailure {
  readonly ok: false;
  readonly error: VelocityError;
  readonly buildId: string;
  readonly durationMs: number;
  readonly logs: string;
}

/** How much of a log goes into an answer. */
const MAX_ANSWERED_LOG_BYTES = 16 * 1024;

/** Key → look among the outputs → on a miss, one run for all who ask → keep → answer. */
export class BuildService {
  readonly #options: BuildServiceOptions;
  readonly #turns: BuildTurns;
  readonly #runs = new SharedRuns<BuildOutcome>();
  readonly #digests = new WeakMap<Recipe, Digest>();
  #ending: VelocityError | undefined;

  constructor(options: BuildServiceOptions) {
    this.#options = options;
    this.#turns = new BuildTurns(options.concurrency, options.queue);
  }

  get running(): number {
    return this.#turns.running;
  }

  get waiting(): number {
    return this.#turns.waiting;
  }

  /** Nothing is built any more, but what is under way. */
  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /**
   * @param signal the asker's; when every asker's is aborted the build ends
   * @throws VelocityError `RECIPE_UNKNOWN`, `BUILDS_EXHAUSTED`, `BUILDS_ENDING`; the signal's reason
   */
  async build(request: BuildRequest, signal: AbortSignal): Promise<BuildOutcome> {
    const { spec, key, forceRebuild } = request;
    const { recipes, outputs } = this.#options;
    const chosen = chooseRecipe(recipes, spec);
    if (!chosen) {
      const what = `${spec.rrVersion} for ${spec.os}/${spec.arch}`;
      throw new VelocityError(
        'RECIPE_UNKNOWN',
        `No recipe of this server is for ${what} with these options.`,
      );
    }
    if (this.#ending) throw this.#ending;
    // Looked at and joined in one step: a forced build is never given what was kept before it was asked for.
    const kept = forceRebuild ? undefined : outputs.find(key, this.#digestOf(chosen.recipe));
    if (!kept) return this.#runs.join(key, signal, (ended) => this.#run(request, chosen, ended));
    const { path, record } = kept;
    const logs = await outputs.logEndOf(kept, MAX_ANSWERED_LOG_BYTES);
    return { ok: true, path, buildId: record.buildId, durationMs: record.durationMs, logs };
  }

  /** From now on nothing is built. */
  refuse(): void {
    this.#ending ??= new VelocityError(
      'BUILDS_ENDING',
      'The build server ends. Ask again later, or another one.',
    );
  }

  /** Ends what is under way, too. */
  end(): void {
    this.refuse();
    this.#runs.endAll(this.#ending);
  }

  /** Resolves when no command runs and no folder is left of one. */
  idle(): Promise<void> {
    return this.#runs.idle();
  }

  async #run(request: BuildRequest, chosen: NamedRecipe, signal: AbortSignal): Promise<BuildOutcome> {
    const { clock, logger, outputs } = this.#options;
    using _turn = await this.#turns.take(signal);
    const buildId = randomUUID();
    const startedAt = clock.elapsed();
    const told = { buildId, key: request.key, recipe: chosen.name };
    logger.info({ ...told, requestId: request.requestId }, 'a build begins');
    const log = new BoundedLog(chosen.recipe.max_log_bytes);
    const folder = await outputs.makeWorkFolder(buildId);
    const since = (): number => Math.round(clock.elapsed() - startedAt);
    try {
      const path = await this.#make(request, chosen, { buildId, folder, log, signal, since });
      logger.info({ ...told, durationMs: since() }, 'a build is done');
      return { ok: true, path, buildId, durationMs: since(), logs: log.end(MAX_ANSWERED_LOG_BYTES) };
    } catch (error) {
      if (signal.aborted) logger.info({ ...told, durationMs: since() }, 'a build is given up');
      signal.throwIfAborted();
      if (!(error instanceof VelocityError)) throw error;
      logger.warn({ ...told, durationMs: since(), code: error.code, why: error.message }, 'a build failed');
      await outputs.keepFailedLog(buildId, log.read()).catch((err: unknown) => {
        logger.warn({ ...told, err }, 'the log of a failed build cannot be kept');
      });
      return { ok: false, error, buildId, durationMs: since(), logs: log.end(MAX_ANSWERED_LOG_BYTES) };
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch((err: unknown) => {
        logger.warn({ ...told, err }, 'the folder of a build cannot be removed');
      });
    }
  }

  async #make(
    { spec, key }: BuildRequest,
    { name, recipe }: NamedRecipe,
    run: { buildId: string; folder: string; log: BoundedLog; signal: AbortSignal; since: () => number },
  ): Promise<string> {
    const { clock, env, outputs } = this.#options;
    const { buildId, folder, log, signal } = run;
    const builtAt = clock.now(); // when its sources were read, not when it was done
    const binary = await runRecipe({ recipe, spec, folder, env, log, signal, clock });
    const record = {
      ...{ key, buildId, recipe: name, recipeDigest: this.#digestOf(recipe), bytes: binary.bytes },
      ...{ builtAt, durationMs: run.since(), isMoving: isMoving(spec) },
    };
    const { path } = await outputs.publish({ path: binary.path, log: log.read(), record });
    return path;
  }

  #digestOf(recipe: Recipe): Digest {
    const known = this.#digests.get(recipe) ?? digestOf(JSON.stringify(recipe));
    this.#digests.set(recipe, known);
    return known;
  }
}
