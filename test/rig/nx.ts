import { symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { runTool, type ToolResult } from './build-tool.ts';
import { buildTool } from './build-tools.ts';
import { type Files, TempWorkspace } from './temp-workspace.ts';
import { VELOCITY } from './velocity-program.ts';

/** Runs what follows beside a sidecar. */
export const BESIDE_SIDECAR: readonly string[] = [process.execPath, VELOCITY, 'sidecar', '--'];

const PACKAGES = ['a', 'b'];

const FILES: Files = {
  'package.json': { name: 'shop', private: true, workspaces: ['packages/*'] },
  'nx.json': {
    targetDefaults: { build: { cache: true, outputs: ['{projectRoot}/dist'] } },
    neverConnectToCloud: true,
    analytics: false,
  },
  '.gitignore': 'dist\n.nx\nnode_modules\n',
  ...Object.fromEntries(
    PACKAGES.map((name) => [
      `packages/${name}/package.json`,
      {
        name,
        version: '1.0.0',
        scripts: { build: `mkdir -p dist && echo built ${name} && echo ${name} > dist/out.txt` },
      },
    ]),
  ),
};

/** A repository of two packages that the real Nx builds. */
export class NxWorkspace implements AsyncDisposable {
  readonly #workspace: TempWorkspace;

  private constructor(workspace: TempWorkspace) {
    this.#workspace = workspace;
  }

  /** @param seed makes its hashes its own */
  static async open(seed: string): Promise<NxWorkspace> {
    const sources = PACKAGES.map((name) => [`packages/${name}/source.txt`, seed]);
    const workspace = await TempWorkspace.open({ ...FILES, ...Object.fromEntries(sources) });
    symlinkSync(dirname(buildTool('nx')), workspace.path('node_modules'));
    return new NxWorkspace(workspace);
  }

  get root(): string {
    return this.#workspace.root;
  }

  /**
   * `nx run-many -t build` with nothing but the sources, as on another machine.
   * @param through a program, with its arguments, that runs it
   */
  async build(env: Readonly<Record<string, string>>, through: readonly string[] = []): Promise<ToolResult> {
    this.#workspace.remove('.nx', 'home', ...PACKAGES.map((name) => `packages/${name}/dist`));
    const [program = '', ...args] = [...through, process.execPath, buildTool('nx/dist/bin/nx.js')];
    const nxEnv = {
      // Without these its local cache is one for all repositories of this user.
      NX_CACHE_DIRECTORY: '.nx/cache',
      NX_WORKSPACE_DATA_DIRECTORY: '.nx/data',
      HOME: this.#workspace.path('home'),
      NX_DAEMON: 'false',
    };
    return runTool(program, [...args, 'run-many', '-t', 'build', '--output-style=static'], {
      cwd: this.root,
      env: { ...nxEnv, ...env },
    });
  }

  /** Whether the outputs of all packages are there and right. */
  get isBuilt(): boolean {
    return PACKAGES.every((name) => this.#workspace.read(`packages/${name}/dist/out.txt`).trim() === name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workspace[Symbol.asyncDispose]();
  }
}

/** With which Nx uses a server as its remote cache. */
export function nxCache(url: string, token: string): Record<string, string> {
  return { NX_SELF_HOSTED_REMOTE_CACHE_SERVER: url, NX_SELF_HOSTED_REMOTE_CACHE_ACCESS_TOKEN: token };
}

/** How many tasks came from the remote cache. */
export function remoteHits({ output }: ToolResult): number {
  return output.match(/> nx run \w+:build {2}\[remote cache\]/g)?.length ?? 0;
}
