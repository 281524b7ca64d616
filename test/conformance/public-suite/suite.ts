import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export const SUITE_REPOSITORY = 'https://github.com/http-tests/cache-tests';

/** `required`: a MUST of the RFCs; `optimal`: a cache that could do better; `check`: there is no right answer. */
export const KINDS = ['required', 'optimal', 'check'] as const;
export type Kind = (typeof KINDS)[number];

/** In the suite's own words; `dependency_fail`: a test failed without which this one says nothing. */
export type Verdict =
  | 'untested'
  | 'pass'
  | 'fail'
  | 'optional_fail'
  | 'yes'
  | 'no'
  | 'setup_fail'
  | 'harness_fail'
  | 'dependency_fail'
  | 'retry';

export interface SuiteTest {
  readonly id: string;
  readonly name: string;
  readonly kind: Kind;
}

/** By test id; what is in them is for the suite alone to judge. */
export type RawResults = Readonly<Record<string, unknown>>;

export interface Peer {
  readonly name: string;
  readonly version: string;
  readonly results: RawResults;
}

interface Definition {
  readonly id: string;
  readonly name: string;
  readonly kind?: Kind;
  readonly browser_only?: boolean;
  readonly depends_on?: readonly string[];
}

interface Group {
  readonly tests: readonly Definition[];
}

/** What is called of the suite's modules. */
interface Engine {
  runTests(groups: readonly Group[], isBrowser: boolean, url: string): Promise<void>;
  getResults(): RawResults;
  determineTestResult(groups: readonly Group[], id: string, results: RawResults): unknown;
  readonly resultTypes: Readonly<Record<Verdict, unknown>>;
}

/** A clone of the public suite of HTTP caching tests: its tests, its client, and what it publishes of other caches. */
export class Suite {
  readonly folder: string;
  /** Those that apply to a proxy. */
  readonly tests: readonly SuiteTest[];
  readonly #groups: readonly Group[];
  readonly #engine: Engine;

  private constructor(folder: string, groups: readonly Group[], engine: Engine) {
    this.folder = folder;
    this.#groups = groups;
    this.#engine = engine;
    this.tests = groups
      .flatMap(({ tests }) => tests)
      .filter((test) => !test.browser_only)
      .map(({ id, name, kind = 'required' }) => ({ id, name, kind }));
  }

  /** @throws Error that says what to do, where the folder is no clone, or what it depends on is not installed */
  static async open(path: string): Promise<Suite> {
    const folder = resolve(path);
    if (!existsSync(join(folder, 'test-engine', 'client', 'runner.mjs')))
      throw new Error(`${folder} is no clone of the suite. Try: git clone ${SUITE_REPOSITORY} ${path}`);
    try {
      createRequire(join(folder, 'package.json')).resolve('undici');
    } catch {
      throw new Error(
        `what the suite depends on is not installed (undici). Try: npm install --omit=dev --prefix ${path}`,
      );
    }
    const load = (file: string): Promise<object> => import(pathToFileURL(join(folder, file)).href);
    const { default: groups } = (await load('tests/index.mjs')) as { default: readonly Group[] };
    const runner = await load('test-engine/client/runner.mjs');
    const judge = await load('test-engine/lib/results.mjs');
    return new Suite(folder, groups, { ...runner, ...judge } as Engine);
  }

  /** With the commit and its date, where it is a clone by git. */
  get version(): string {
    const { version } = JSON.parse(readFileSync(join(this.folder, 'package.json'), 'utf8'));
    if (!existsSync(join(this.folder, '.git'))) return version;
    const args = ['-C', this.folder, 'log', '-1', '--format=commit %h of %cs'];
    return `${version}, ${execFileSync('git', args, { encoding: 'utf8' }).trim()}`;
  }

  /**
   * Puts the questions to a proxy in front of the suite's origin. Once a process: the suite gathers in a global.
   * @param only a test, which is run with those it depends on, and whose messages are printed; else all
   */
  async run(url: string, only?: string): Promise<RawResults> {
    await this.#engine.runTests(only === undefined ? this.#groups : this.#closure(only), false, url);
    return this.#engine.getResults();
  }

  verdictOf(id: string, results: RawResults): Verdict {
    const { determineTestResult, resultTypes } = this.#engine;
    const found = determineTestResult(this.#groups, id, results);
    const [name] = Object.entries(resultTypes).find(([, type]) => type === found) ?? ['untested'];
    return name as Verdict;
  }

  /** Those of the named files for which the suite has published results, in their order. */
  async peers(files: readonly string[]): Promise<readonly Peer[]> {
    const index = pathToFileURL(join(this.folder, 'results', 'index.mjs')).href;
    const { default: all } = (await import(index)) as {
      default: readonly { readonly file: string; readonly name: string; readonly version?: string }[];
    };
    return files.flatMap((file) => {
      const found = all.find((peer) => peer.file === `${file}.json`);
      if (!found) return [];
      const results = JSON.parse(readFileSync(join(this.folder, 'results', found.file), 'utf8'));
      return [{ name: found.name, version: found.version ?? '', results }];
    });
  }

  #closure(id: string): readonly Group[] {
    const byId = new Map(this.#groups.flatMap(({ tests }) => tests).map((test) => [test.id, test]));
    const wanted = new Map<string, Definition>();
    const want = (name: string): void => {
      const test = byId.get(name);
      if (!test || wanted.has(name)) return;
      wanted.set(name, name === id ? Object.assign({}, test, { dump: true }) : test);
      for (const other of test.depends_on ?? []) want(other);
    };
    want(id);
    return [{ tests: [...wanted.values()] }];
  }
}
