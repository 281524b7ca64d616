import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import asc from 'assemblyscript/asc';
import openWabt from 'wabt';

const wabt = await openWabt();

/** A module of WebAssembly from its text, with all that policies may use. */
export function compileWat(text: string, features: Parameters<typeof wabt.parseWat>[2] = {}): Buffer {
  const module = wabt.parseWat('policy.wat', text, features);
  try {
    return Buffer.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** A module from AssemblyScript, as `asc --optimize` makes it. @param options further ones of `asc` */
export async function compileAssemblyScript(path: string, options: readonly string[] = []): Promise<Buffer> {
  const folder = dirname(path);
  let compiled: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [basename(path), '--outFile', 'out.wasm', '--optimize', ...options],
    {
      readFile: (name) => readOrNull(join(folder, name)),
      writeFile(name, contents) {
        if (name === 'out.wasm' && typeof contents !== 'string') compiled = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || compiled === undefined)
    throw new Error(`${path} does not compile: ${stderr.toString() || error?.message}`);
  return Buffer.from(compiled);
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
