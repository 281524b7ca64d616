import { tmpdir } from 'node:os';
import { type Clock, systemClock } from '../../base/clock.ts';
import { Secret } from '../../base/secret.ts';
import { interceptResponses, type NodeMiddleware } from '../../http/intercept-responses.ts';
import type { ResponseInterceptor } from '../../http/response-interceptor.ts';
import { BinaryCache, type BinaryCacheOptions, type BinaryCacheSettings } from './binary-cache.ts';
import { BuildClient, type BuildClientOptions, type RetrySettings } from './build-client.ts';
import { BuildInterceptor, type OnAnswer } from './build-interceptor.ts';
import { Builds, type OnBuild } from './builds.ts';
import type { OffloadSettings } from './settings.ts';

/** What is left out is as in the settings of `builds:`. */
export interface BuildOffloadOptions extends Pick<BinaryCacheOptions, 'onTrouble' | 'onEvict'> {
  readonly serverUrl: string;
  /** Where the build server wants one. */
  readonly token?: string | undefined;
  readonly buildTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly retry?: Partial<RetrySettings>;
  /** Absolute. */
  readonly outputFolders?: readonly string[] | undefined;
  /** Without it, binaries are not kept. */
  readonly cache?: Partial<BinaryCacheSettings> | undefined;
  readonly onRetry?: BuildClientOptions['onRetry'];
  readonly onBuild?: OnBuild;
  readonly onAnswer?: OnAnswer;
  /** Told of what clients of the middleware are told is wrong. */
  readonly onError?: (error: unknown) => void;
  readonly clock?: Clock;
}

export interface BuildOffload {
  readonly interceptor: ResponseInterceptor;
  /** What is kept; `undefined` without a cache. */
  readonly cache: Pick<BinaryCache, 'size' | 'bytes'> | undefined;
  /** The same for a Node server whose own handlers ask for builds. */
  readonly middleware: NodeMiddleware;
  close(): Promise<void>;
}

const RETRY: RetrySettings = {
  maxAttempts: 3,
  initialDelayMs: 1_000,
  maxDelayMs: 10_000,
  backoffMultiplier: 2,
};
const CACHE: BinaryCacheSettings = {
  directory: './cache/velox',
  maxSizeGb: 0,
  maxEntries: 0,
  maxAgeDays: 0,
  cleanupIntervalMs: 3600_000,
  evictionPolicy: 'lru',
  accessUpdateIntervalMs: 5 * 60_000,
};

/** @throws VelocityError `STORAGE_UNAVAILABLE` or `STORAGE_FULL`: the folder of the cache cannot be used */
export async function openBuildOffload(options: BuildOffloadOptions): Promise<BuildOffload> {
  const { serverUrl, token, outputFolders = [tmpdir()], clock = systemClock } = options;
  const { onTrouble, onEvict, onRetry, onBuild, onAnswer } = options;
  const told = { clock, onTrouble, onEvict };
  const cache = options.cache && (await BinaryCache.open({ ...CACHE, ...options.cache, ...told }));
  const client = new BuildClient({
    serverUrl,
    token: token === undefined ? undefined : new Secret(token),
    requestTimeoutMs: options.requestTimeoutMs ?? 180_000,
    buildTimeoutMs: options.buildTimeoutMs ?? 300_000,
    retry: { ...RETRY, ...options.retry },
    clock,
    ...(onRetry ? { onRetry } : {}),
  });
  const builds = new Builds({ client, cache, outputFolders, clock, onBuild });
  const interceptor = new BuildInterceptor(builds, onAnswer);
  return {
    interceptor,
    cache,
    middleware: interceptResponses(interceptor, options.onError),
    async close() {
      client.close();
      await cache?.close();
    },
  };
}

/** `undefined`: no build server is set. */
export function offloadOptionsOf(values: OffloadSettings): BuildOffloadOptions | undefined {
  if (values.buildsServerUrl === undefined) return undefined;
  return {
    serverUrl: values.buildsServerUrl,
    token: values.buildsToken?.reveal(),
    buildTimeoutMs: values.buildsTimeout,
    requestTimeoutMs: values.buildsRequestTimeout,
    outputFolders: values.buildsOutputFolders,
    retry: {
      maxAttempts: values.buildsRetryMaxAttempts,
      initialDelayMs: values.buildsRetryInitialDelay,
      maxDelayMs: values.buildsRetryMaxDelay,
      backoffMultiplier: values.buildsRetryBackoffMultiplier,
    },
    cache: values.buildsCacheEnabled
      ? {
          directory: values.buildsCacheDirectory,
          maxSizeGb: values.buildsCacheMaxSizeGb,
          maxEntries: values.buildsCacheMaxEntries,
          maxAgeDays: values.buildsCacheMaxAgeDays,
          cleanupIntervalMs: values.buildsCacheCleanupInterval,
          evictionPolicy: values.buildsCacheEvictionPolicy,
          accessUpdateIntervalMs: values.buildsCacheAccessUpdateInterval,
        }
      : undefined,
  };
}
