import { Readable, Writable } from 'node:stream';
import type { Io } from '../../src/cli/io.ts';

/** What a command would print, kept as text. */
export class CapturedIo implements Io {
  readonly stdout = new CapturedStream();
  readonly stderr = new CapturedStream();
  readonly stdin: Readable;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;

  constructor({
    env = {},
    cwd = '/',
    input = '',
  }: Partial<Pick<Io, 'env' | 'cwd'>> & { input?: string } = {}) {
    this.stdin = Readable.from([Buffer.from(input)]);
    this.env = env;
    this.cwd = cwd;
  }
}

class CapturedStream extends Writable {
  readonly #chunks: Buffer[] = [];

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }
}
