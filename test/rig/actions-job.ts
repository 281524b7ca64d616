import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runTool } from './build-tool.ts';
import { TEST_TOKEN } from './server-process.ts';
import { TempWorkspace } from './temp-workspace.ts';

const STEP = fileURLToPath(new URL('actions-cache-step.ts', import.meta.url));

export interface Step {
  readonly answer: number | string | null;
  readonly output: string;
}

/** A job on a machine of its own, with one cached path. */
export class ActionsJob implements AsyncDisposable {
  readonly workspace: TempWorkspace;
  readonly #url: string;
  readonly #token: string;

  private constructor(workspace: TempWorkspace, url: string, token: string) {
    this.workspace = workspace;
    this.#url = url;
    this.#token = token;
  }

  static async open(url: string, token = TEST_TOKEN, content: string | Buffer = ''): Promise<ActionsJob> {
    return new ActionsJob(
      await TempWorkspace.open({ 'modules/a.bin': content, temp: { '.keep': '' } }, { git: false }),
      url,
      token,
    );
  }

  save(key: string): Promise<Step> {
    return this.#step('save', key, 'modules');
  }

  /** With nothing left but what the cache gives. */
  restore(key: string, ...restoreKeys: readonly string[]): Promise<Step> {
    this.workspace.remove('modules');
    return this.#step('restore', key, 'modules', ...restoreKeys);
  }

  get content(): Buffer {
    return readFileSync(this.workspace.path('modules/a.bin'));
  }

  async #step(...args: readonly string[]): Promise<Step> {
    const { root } = this.workspace;
    const { exitCode, output } = await runTool(process.execPath, [STEP, ...args], {
      cwd: root,
      env: {
        ACTIONS_CACHE_SERVICE_V2: 'true',
        ACTIONS_RESULTS_URL: `${this.#url}/`,
        ACTIONS_RUNTIME_TOKEN: this.#token,
        RUNNER_TEMP: root,
        GITHUB_WORKSPACE: root,
      },
    });
    assert.equal(exitCode, 0, output);
    const { answer } = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Step;
    return { answer, output };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.workspace[Symbol.asyncDispose]();
  }
}

/** What the library had to say of trouble. */
export function complaints({ output }: Step): string[] {
  return output.split('\n').filter((line) => /::(warning|error)::|Failed|denied/i.test(line));
}
