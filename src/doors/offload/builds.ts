import type { Clock } from '../../base/clock.ts';
import type { Digest } from '../../base/digest.ts';
import { WaitedFlights } from '../../base/waited-flights.ts';
import type { Binary } from './binary.ts';
import type { BinaryCache } from './binary-cache.ts';
import type { BuildClient } from './build-client.ts';
import type { Built } from './build-reply.ts';
import { type BuildSpec, buildKey } from './build-spec.ts';
import { BuiltFile } from './built-file.ts';
import { openOutput } from './output-folders.ts';

export interface BuildsOptions {
  readonly client: Pick<BuildClient, 'build'>;
  /** `undefined`: every request is built, but for those that come while their build is under way. */
  readonly cache: Pick<BinaryCache, 'has' | 'read' | 'keep'> | undefined;
  /** Where the build server puts what it builds; absolute. */
  readonly outputFolders: readonly string[];
  readonly clock: Clock;
  /** Told of each build's end, with the failure of one that did not bring a file. */
  readonly onBuild?: OnBuild | undefined;
}

export type OnBuild = (build: {
  readonly key: Digest;
  /** By our own watch. */
  readonly durationMs: number;
  readonly error?: unknown;
}) => void;

/** `joined`: by a build that another's request had begun. */
export type BinarySource = 'cached' | 'built' | 'joined';

export interface OpenedBinary {
  readonly binary: Binary;
  readonly source: BinarySource;
}

/** What a flight brings: the file, and whether the cache has its bytes, too. */
class Landed {
  readonly file: BuiltFile;
  readonly isKept: boolean;

  constructor(file: BuiltFile, isKept: boolean) {
    this.file = file;
    this.isKept = isKept;
  }

  [Symbol.dispose](): void {
    this.file.release();
  }
}

/** Key → cache → on a miss, one build → keep → open. */
export class Builds {
  readonly #options: BuildsOptions;
  readonly #flights = new WaitedFlights<Landed>();

  constructor(options: BuildsOptions) {
    this.#options = options;
  }

  /**
   * The binary of a spec, from the cache or built. Equal requests at once are one build, which is broken off when all who
   * wait for it have left.
   * @throws VelocityError as `BuildClient.build` and `openOutput`; the signal's reason
   */
  async open(spec: BuildSpec, signal: AbortSignal): Promise<OpenedBinary> {
    const { cache } = this.#options;
    const key = buildKey(spec);
    let cached = spec.forceRebuild ? undefined : await cache?.read(key);
    // A build that was under way when the cache was asked may have ended meanwhile.
    if (!cached && !spec.forceRebuild && cache?.has(key)) cached = await cache.read(key);
    const opened = cached
      ? { binary: cached, source: 'cached' as const }
      : await this.#built(key, spec, signal);
    if (!signal.aborted) return opened;
    opened.binary.close();
    throw signal.reason;
  }

  async #built(key: Digest, spec: BuildSpec, signal: AbortSignal): Promise<OpenedBinary> {
    const { cache } = this.#options;
    // Who forces a rebuild does not want what was begun before it asked.
    const flight = spec.forceRebuild ? `${key} forced` : key;
    // Of the two the cache is better: its bytes are checked, and nobody else writes to them.
    const take = async ({ file, isKept }: Landed): Promise<Binary> =>
      (isKept ? await cache?.read(key) : undefined) ?? file.share();
    let source: BinarySource = 'joined';
    const build = (leaving: AbortSignal): Promise<Landed> => {
      source = 'built';
      return this.#build(key, spec, leaving);
    };
    return { binary: await this.#flights.run(flight, build, take, signal), source };
  }

  /** The binary is in the cache before anybody has it: the build server may remove its file as soon as it likes. */
  async #build(key: Digest, spec: BuildSpec, signal: AbortSignal): Promise<Landed> {
    const { client, cache, outputFolders, clock, onBuild } = this.#options;
    const startedAt = clock.elapsed();
    const taken = (): number => Math.round(clock.elapsed() - startedAt);
    let built: Built;
    let file: BuiltFile;
    try {
      built = await client.build(spec, signal);
      file = await BuiltFile.of(key, await openOutput(built.path, outputFolders));
    } catch (error) {
      onBuild?.({ key, durationMs: taken(), error });
      throw error;
    }
    const ownMs = taken();
    onBuild?.({ key, durationMs: ownMs });
    const { durationMs = ownMs } = built;
    const { rrVersion, platform, plugins } = spec;
    const isKept = await cache?.keep(file, { durationMs, rrVersion, platform, plugins }).catch(() => false);
    return new Landed(file, isKept ?? false);
  }
}
