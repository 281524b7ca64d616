import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openTempFolder } from './temp-folder.ts';

/** Files by path; a value that is no text is written as JSON. */
export type Files = Readonly<Record<string, unknown>>;

/** A repository in a temporary folder. */
export class TempWorkspace implements AsyncDisposable {
  readonly root: string;
  readonly #dispose: () => PromiseLike<void>;

  private constructor(root: string, dispose: () => PromiseLike<void>) {
    this.root = root;
    this.#dispose = dispose;
  }

  /** @param git `false` leaves it a plain folder */
  static async open(files: Files, { git = true }: { git?: boolean } = {}): Promise<TempWorkspace> {
    const folder = await openTempFolder();
    const workspace = new TempWorkspace(folder.path, () => folder[Symbol.asyncDispose]());
    workspace.write(files);
    if (git) {
      workspace.git('init', '-q');
      workspace.commit();
    }
    return workspace;
  }

  write(files: Files): void {
    for (const [path, content] of Object.entries(files)) {
      const absolute = this.path(path);
      mkdirSync(dirname(absolute), { recursive: true });
      const isText = typeof content === 'string' || Buffer.isBuffer(content);
      writeFileSync(absolute, isText ? content : `${JSON.stringify(content, null, 2)}\n`);
    }
  }

  path(path: string): string {
    return join(this.root, path);
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  remove(...paths: readonly string[]): void {
    for (const path of paths) rmSync(this.path(path), { recursive: true, force: true });
  }

  chmod(path: string, mode: number): void {
    chmodSync(this.path(path), mode);
  }

  git(...args: readonly string[]): string {
    const identity = [
      '-c',
      'user.email=test@example.com',
      '-c',
      'user.name=test',
      '-c',
      'commit.gpgsign=false',
    ];
    return execFileSync('git', [...identity, ...args], {
      cwd: this.root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  commit(): void {
    this.git('add', '-A');
    this.git('commit', '-q', '--allow-empty', '-m', 'state');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispose();
  }
}
