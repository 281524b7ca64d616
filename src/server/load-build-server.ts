import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { Checked, Mistake } from '../config/mistake.ts';
import { parseYaml, type YamlFile } from '../config/yaml-file.ts';
import { besideFile, readRecipeFile } from '../doors/offload/build-server/recipe-file.ts';
import type { BuildServerFile } from '../doors/offload/build-server/recipe-shape.ts';
import { listenAddress } from './listen-address.ts';

export interface BuildServerSources {
  /** Path of the YAML file. */
  readonly file: string;
  /** Go before what the file says. */
  readonly flags: { readonly listen?: string | undefined; readonly output?: string | undefined };
  readonly env: NodeJS.ProcessEnv;
  /** What a path on the command line counts from. */
  readonly cwd: string;
}

export interface BuildServerSettings extends Omit<BuildServerFile, 'listen' | 'output' | 'token'> {
  readonly host: string;
  readonly port: number;
  readonly output: string;
  readonly token: Secret | undefined;
}

/** Names of what is secret in the file, for whoever shows lines of it. */
export const BUILD_SERVER_SECRETS: readonly string[] = ['token'];

/** All mistakes at once. */
export function loadBuildServer({ file, flags, env, cwd }: BuildServerSources): Checked<BuildServerSettings> {
  const read = readYaml(file, env, cwd);
  if (!read.ok) return read;
  const checked = readRecipeFile(read.value);
  if (!checked.ok) return checked;

  const folder = dirname(resolve(cwd, file));
  const { listen, output: written, token, ...rest } = besideFile(checked.value, folder);
  const mistakes: Mistake[] = [];
  const kind = listenAddress();
  const address = kind.parse(flags.listen ?? listen);
  if (!address) {
    const place =
      flags.listen === undefined ? { position: read.value.positionOf(['listen'], 'value') } : FROM_FLAG;
    mistakes.push({ message: `listen: expected ${kind.expects}`, ...place });
  }
  const output =
    flags.output === undefined ? written && resolve(folder, written) : resolve(cwd, flags.output);
  if (!output) mistakes.push(NO_OUTPUT);
  if (!address || !output) return { ok: false, mistakes };
  return {
    ok: true,
    value: {
      ...{ ...rest, output, host: address.host ?? '0.0.0.0', port: address.port },
      token: token === undefined ? undefined : new Secret(token),
    },
  };
}

const FROM_FLAG = { source: '--listen' };
const NO_OUTPUT: Mistake = {
  message: 'there is no folder for what is built.',
  hint: 'Give --output, or output: in the file.',
};

function readYaml(file: string, env: NodeJS.ProcessEnv, cwd: string): Checked<YamlFile> {
  try {
    return parseYaml(file, readFileSync(resolve(cwd, file), 'utf8'), env);
  } catch (error) {
    const message = `cannot read ${file}: ${messageOf(error)}`;
    return { ok: false, mistakes: [{ message, source: '--config' }] };
  }
}
