import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { cleanEnv } from './server-process.ts';

export interface ToolResult {
  readonly exitCode: number | null;
  /** What it printed, both streams in the order they came. */
  readonly output: string;
}

/** Longer than any of them takes here; a tool that hangs is ended, so that the test says what it printed. */
const LIMIT_MS = 180_000;

/** A program of this repository's own `node_modules/.bin`. */
export function npmBinary(name: string): string {
  return fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url));
}

/** Runs somebody else's build tool, as its users do. */
export async function runTool(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<ToolResult> {
  const child = spawn(program, args, {
    cwd,
    env: { ...cleanEnv(), NO_COLOR: '1', CI: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  await once(child, 'close');
  return { exitCode: child.exitCode, output };
}
