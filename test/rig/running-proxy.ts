import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, ask, type Question } from './ask.ts';
import { type CliResult, velocity } from './cli.ts';
import { HttpServer } from './http-server.ts';
import { ServerProcess } from './server-process.ts';
import { openTempFolder, type TempFolder } from './temp-folder.ts';

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  /** Where it works and has its admin socket; else a new one, which goes with it. */
  readonly folder?: TempFolder;
}

type Handle = (request: IncomingMessage, response: ServerResponse) => unknown;

/** The real `velocity proxy` in a folder of its own, before an origin that answers as the test says. */
export class RunningProxy implements AsyncDisposable {
  readonly process: ServerProcess;
  readonly origin: HttpServer;
  readonly folder: TempFolder;
  /** What the origin was asked for, in order: `GET /a`. */
  readonly asked: readonly string[];
  readonly #isFolderOurs: boolean;

  private constructor(
    process: ServerProcess,
    origin: HttpServer,
    folder: TempFolder,
    asked: readonly string[],
    isFolderOurs: boolean,
  ) {
    this.process = process;
    this.origin = origin;
    this.folder = folder;
    this.asked = asked;
    this.#isFolderOurs = isFolderOurs;
  }

  static async start(handle: Handle, { env = {}, folder: given }: Surroundings = {}): Promise<RunningProxy> {
    const asked: string[] = [];
    const origin = await HttpServer.start((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      return handle(request, response);
    });
    const folder = given ?? (await openTempFolder());
    const places = { XDG_RUNTIME_DIR: folder.path, TMPDIR: folder.path };
    try {
      const process = await ServerProcess.start(
        { VC_PROXY_BACKEND: origin.url, ...places, ...env },
        [],
        [],
        'proxy',
        folder.path,
      );
      return new RunningProxy(process, origin, folder, asked, given === undefined);
    } catch (error) {
      await origin[Symbol.asyncDispose]();
      if (given === undefined) await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return this.process.url;
  }

  ask(target: string, question?: Question): Promise<Answer> {
    return ask(`${this.url}${target}`, question);
  }

  /** Whether it has logged such a line. */
  hasLogged(message: string): boolean {
    return this.process.log.some((line) => line['message'] === message);
  }

  /** A command of its operator. */
  velocity(...args: readonly string[]): Promise<CliResult> {
    const { path: cwd } = this.folder;
    return velocity(args, { cwd, env: { XDG_RUNTIME_DIR: cwd, TMPDIR: cwd } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await this.origin[Symbol.asyncDispose]();
    if (this.#isFolderOurs) await this.folder[Symbol.asyncDispose]();
  }
}
