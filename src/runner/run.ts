import { join } from 'node:path';
import type { CacheKey } from '../base/cache-key.ts';
import { systemClock } from '../base/clock.ts';
import { messageOf, VelocityError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { Mistake } from '../config/mistake.ts';
import { LocalStore } from '../storage/drivers/local/local-store.ts';
import { VerifiedStore } from '../storage/verified-store.ts';
import { ArtifactCache, type CacheAccess } from './artifact-cache.ts';
import type { HitSource, RunEvent, RunSummary } from './events.ts';
import { PlaceLocks } from './executor/place-locks.ts';
import { type ContinueMode, schedule } from './executor/schedule.ts';
import { INSIDE_VARIABLE } from './executor/task-environment.ts';
import { TaskTurns } from './executor/task-turns.ts';
import { FileDigests, type FileRow } from './hasher/file-digests.ts';
import { type TaskKey, TaskKeys } from './hasher/task-keys.ts';
import { toolVersions } from './hasher/tool-versions.ts';
import { localCacheFolder } from './local-cache-folder.ts';
import { RemoteCache } from './remote/remote-cache.ts';
import { tokenSource } from './remote/token-source.ts';
import { PublicKey, SigningKey } from './signatures/signing-key.ts';
import { TrustedKeys } from './signatures/trusted-keys.ts';
import { OutputState } from './state/output-state.ts';
import { readState, writeState } from './state/state-file.ts';
import { filterPackages } from './task-graph/filter-packages.ts';
import type { TaskId } from './task-graph/task.ts';
import { buildTaskGraph, type TaskGraph } from './task-graph/task-graph.ts';
import { headCommit } from './workspace/git.ts';
import { openWorkspace, type Workspace } from './workspace/workspace.ts';

export interface RunOptions {
  /** The workspace's root, absolute and free of links. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** `build`, `web#build`. */
  readonly tasks: readonly string[];
  readonly filters: readonly string[];
  /** Arguments for the requested tasks' commands. */
  readonly extraArguments: readonly string[];
  readonly concurrency: number;
  readonly continueAfterFailure: ContinueMode;
  /** Run everything, and replace what the local cache holds. */
  readonly force: boolean;
  readonly access: { readonly local: CacheAccess; readonly remote: CacheAccess };
  /** The remote was asked for in so many words, not by default: where there is none, that is said. */
  readonly remoteAsked: boolean;
  /** Stronger than velocity.yml, where given. */
  readonly overrides: {
    readonly remoteUrl?: string | undefined;
    readonly remoteToken?: Secret | undefined;
    readonly signingKey?: SigningKey | undefined;
    readonly cacheDir?: string | undefined;
  };
  readonly version: string;
  /** Ends the run: what runs is ended, nothing more begins, nothing of it is kept. */
  readonly signal: AbortSignal;
  /** After `signal`: does not wait for what runs to end by itself. */
  readonly hurry?: AbortSignal | undefined;
  readonly onEvent: (event: RunEvent) => void;
  /** Asked after task output was told: a promise holds the task up until more of it can be taken. */
  readonly untilTaken?: (() => Promise<void> | undefined) | undefined;
}

/** A graph and its keys: everything there is to know before the first task begins. */
export interface RunPlan {
  readonly workspace: Workspace;
  readonly graph: TaskGraph;
  readonly keys: ReadonlyMap<TaskId, TaskKey>;
  readonly foreseen: ReadonlyMap<TaskId, Foreseen>;
}

export type Run<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_MAX_ARTIFACT_BYTES = 4 * 2 ** 30;
const FILES_STATE_VERSION = 'files-v1';

/** What would happen to a task. */
export type Foreseen = HitSource | 'miss' | 'uncached' | 'nothing-to-run';

/** What would run, without running it. */
export async function plan(options: RunOptions): Promise<Run<RunPlan>> {
  const prepared = await prepare(options);
  if (!prepared.ok) return prepared;
  const { workspace, graph, taskKeys, stateFolder } = prepared.value;
  const open = await openRun(workspace, options, taskKeys, stateFolder);
  try {
    const wanted = new Set(open.turns.keysToFetch(graph.tasks));
    const located = options.force ? new Map<CacheKey, HitSource>() : await open.cache.locate([...wanted]);
    const foreseen = graph.tasks.map((task): [TaskId, Foreseen] => {
      const { key } = taskKeys.keyOf(task);
      if (task.command === undefined) return [task.id, 'nothing-to-run'];
      if (!task.cache) return [task.id, 'uncached'];
      if (options.force) return [task.id, 'miss'];
      return [task.id, wanted.has(key) ? (located.get(key) ?? 'miss') : 'unchanged'];
    });
    return { ok: true, value: { ...prepared.value, foreseen: new Map(foreseen) } };
  } finally {
    await open.cache.close();
  }
}

/**
 * Runs tasks, or restores what they made. Mistakes in velocity.yml come back as values.
 * @throws VelocityError for what cannot be run at all: `WORKSPACE_INVALID`, `TASK_UNKNOWN`, `TASK_CYCLE`, `USAGE`
 */
export async function run(options: RunOptions): Promise<Run<RunSummary>> {
  const startedAt = performance.now();
  assertNotInside(options);
  const prepared = await prepare(options);
  if (!prepared.ok) return prepared;
  const { workspace, graph, taskKeys, digests, stateFolder } = prepared.value;
  // A bug ends what runs just as a signal does; only then is it told.
  const bug = new AbortController();
  const signal = AbortSignal.any([options.signal, bug.signal]);
  const opened = await openRun(workspace, { ...options, signal }, taskKeys, stateFolder);
  const { cache, outputState, turns, warn, remote } = opened;
  const closeRemote = (): void => void remote?.close();
  signal.addEventListener('abort', closeRemote, { once: true });
  try {
    const commands = graph.tasks.filter(({ command }) => command !== undefined);
    const packages = new Set(commands.map((task) => task.package)).size;
    options.onEvent({ type: 'begin', tasks: commands.length, packages, remote: remote !== undefined });

    await cache.prefetch(options.force ? [] : turns.keysToFetch(graph.tasks));
    await schedule({
      tasks: graph.tasks,
      concurrency: options.concurrency,
      continueAfterFailure: options.continueAfterFailure,
      signal,
      turn: (task) => turns.turn(task),
      onPassedOver: (task, why) => turns.passOver(task, why),
      onThrown: () => bug.abort(),
    });
    if (!signal.aborted) {
      if (cache.uploading > 0) options.onEvent({ type: 'uploads', waitingFor: cache.uploading });
      await cache.settle();
    }
  } finally {
    signal.removeEventListener('abort', closeRemote);
    const rows = digests.rowsToKeep(Date.now());
    const trouble =
      outputState.save() ?? (rows && writeState(filesState(stateFolder), FILES_STATE_VERSION, rows));
    await cache.close();
    if (trouble) warn(`the next run will look at everything anew: ${trouble.message}`);
  }

  const summary = turns.summary(performance.now() - startedAt, options.signal.aborted);
  options.onEvent({ type: 'end', summary });
  return { ok: true, value: summary };
}

/** The caches, and what takes the tasks' turns. */
async function openRun(workspace: Workspace, options: RunOptions, keys: TaskKeys, stateFolder: string) {
  const told = new Set<string>();
  const warn = (message: string): void => {
    if (told.has(message)) return;
    told.add(message);
    options.onEvent({ type: 'warning', message });
  };
  for (const message of surprises(workspace)) warn(message);
  const remote = openRemote(workspace, options, warn);
  const cache = new ArtifactCache({
    local: await openLocal(workspace, options, warn),
    localAccess: options.access.local,
    remote,
    remoteAccess: options.access.remote,
    onTrouble: warn,
  });
  const outputState = new OutputState(stateFolder);
  const locks = new PlaceLocks({
    folder: join(workspace.root, '.velocity', 'locks'),
    clock: systemClock,
    onWait: (place) => warn(`another run works in ${place || 'the root'}: waiting for it.`),
  });
  const turns = new TaskTurns({
    ...options,
    locks,
    workspace,
    keys,
    cache,
    outputState,
    warn,
    maxArtifactBytes: maxBytes(workspace),
  });
  return { remote, cache, outputState, turns, warn };
}

interface Prepared extends Omit<RunPlan, 'foreseen'> {
  readonly taskKeys: TaskKeys;
  readonly digests: FileDigests;
  readonly stateFolder: string;
}

async function prepare(options: RunOptions): Promise<Run<Prepared>> {
  const { root, env } = options;
  const opened = await openWorkspace(root, env);
  if (!opened.ok) return opened;
  const workspace = opened.value;
  const tools = toolVersions(workspace.packageManager, env);
  const graph = buildTaskGraph(workspace, {
    requested: options.tasks,
    packages: filterPackages(workspace.graph, options.filters),
    extraArguments: options.extraArguments,
  });
  const stateFolder = join(root, '.velocity', 'state-v1');
  const digests = new FileDigests(
    root,
    readState<FileRow[]>(filesState(stateFolder), FILES_STATE_VERSION) ?? [],
  );
  const taskKeys = new TaskKeys(workspace, digests, await tools, env);
  const keys = new Map(graph.tasks.map((task) => [task.id, taskKeys.keyOf(task)]));
  return { ok: true, value: { workspace, graph, keys, taskKeys, digests, stateFolder } };
}

function filesState(stateFolder: string): string {
  return join(stateFolder, 'files.json');
}

/** A script `build` that calls `velocity run build` would call itself for ever. */
function assertNotInside({ root, env, tasks }: RunOptions): void {
  if (env[INSIDE_VARIABLE] !== root) return;
  throw new VelocityError(
    'USAGE',
    `velocity run ${tasks.join(' ')} was started by a task of this same workspace. Give that task a command of its own in velocity.yml.`,
  );
}

function surprises({ filesFrom, ignoredPackages, unsetVariables }: Workspace): string[] {
  const told: string[] = [];
  const all = 'every file but node_modules counts as input';
  if (filesFrom === 'walk-no-git') told.push(`this is no git repository: ${all}, ignored ones too.`);
  if (filesFrom === 'walk-ignored') told.push(`the repository around this workspace ignores it: ${all}.`);
  for (const folder of ignoredPackages) told.push(`git ignores the package ${folder}: there ${all}.`);
  const unset = unsetVariables.filter((name) => !/TOKEN|SECRET|PASSWORD|SIGNING_KEY/i.test(name));
  if (unset.length > 0)
    told.push(`velocity.yml uses ${unset.join(', ')}, which is not set and reads as empty.`);
  return told;
}

const READ_ONLY = 'remote cache: the token reads and does not write, so nothing is sent there.';

function openRemote(
  workspace: Workspace,
  options: RunOptions,
  warn: (message: string) => void,
): RemoteCache | undefined {
  const { remote } = workspace.config;
  const { access, overrides } = options;
  if (!access.remote.read && !access.remote.write) return undefined;
  const url = overrides.remoteUrl ?? (remote?.enabled === false ? undefined : remote?.url);
  if (!url) {
    const why = remote?.url ? 'remote.enabled is false in velocity.yml' : 'velocity.yml has no remote.url';
    if (options.remoteAsked) warn(`remote cache: ${why}. Going on without it.`);
    return undefined;
  }
  const timeoutMs = remote?.timeout ?? DEFAULT_TIMEOUT_MS;
  const written = remote?.token ? new Secret(remote.token) : undefined;
  const given = overrides.remoteToken ?? written;
  const token = tokenSource(given, options.env, { url, audience: remote?.audience ?? url, timeoutMs });
  if (!token) {
    warn(
      'remote cache: there is no token: set VELOCITY_TOKEN, or remote.token in velocity.yml. Going on without it.',
    );
    return undefined;
  }
  return new RemoteCache({
    url,
    token,
    timeoutMs,
    commit: () => headCommit(workspace.root, options.env),
    signingKey: overrides.signingKey ?? SigningKey.parse(remote?.signature?.private_key ?? ''),
    trusted: trustedKeys(workspace),
    onGivenUp: warn,
    onTrouble: warn,
    onReadOnly: () => options.onEvent({ type: 'notice', message: READ_ONLY }),
  });
}

/** `undefined` where no signature is demanded. */
function trustedKeys({ config: { remote } }: Workspace): TrustedKeys | undefined {
  const written = remote?.signature?.trusted ?? [];
  if (written.length === 0) return undefined;
  return new TrustedKeys(
    written.map(({ key: text, scopes }) => {
      const key = PublicKey.parse(text);
      if (key === undefined) throw new Error('unreachable: velocity.yml was checked');
      return { key, scopes };
    }),
  );
}

async function openLocal(workspace: Workspace, options: RunOptions, warn: (message: string) => void) {
  const { read, write } = options.access.local;
  if (!read && !write) return undefined;
  const root = localCacheFolder(workspace, options.env, options.overrides.cacheDir);
  const damaged = (): void => warn('a damaged artifact in the local cache was removed; its task runs again.');
  try {
    return new VerifiedStore(await LocalStore.open({ root, onDamaged: damaged }), damaged);
  } catch (error) {
    warn(`local cache: ${messageOf(error)} Going on without it.`);
    return undefined;
  }
}

function maxBytes({ config }: Workspace): number {
  return config.cache?.max_artifact_size ?? DEFAULT_MAX_ARTIFACT_BYTES;
}
