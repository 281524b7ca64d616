import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VelocityError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { checkShape } from '../../config/check-shape.ts';
import type { Checked } from '../../config/mistake.ts';
import { parseYaml } from '../../config/yaml-file.ts';
import { type TokenSource, tokenSource } from '../remote/token-source.ts';
import { VELOCITY_FILE, type VelocityFile, velocityFileSchema } from '../workspace/velocity-file.ts';
import { withoutPrivateKeys } from '../workspace/without-private-keys.ts';

export interface FoundGateway {
  readonly url: string;
  readonly token: TokenSource | undefined;
  readonly timeoutMs: number;
}

/** Longer than the runner waits: an entry may be read to its end before its first byte is sent. */
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * The gateway that the environment names (`VELOCITY_REMOTE_URL`, `VELOCITY_TOKEN`), else the `remote` of a velocity.yml
 * here or above: other tools' repositories need none.
 * @throws VelocityError `USAGE` where nothing names one
 */
export function findGateway(from: string, env: NodeJS.ProcessEnv): Checked<FoundGateway> {
  const config = readConfig(from, env);
  if (!config.ok) return config;
  const remote = config.value?.remote;
  const url = env['VELOCITY_REMOTE_URL'] || (remote?.enabled === false ? undefined : remote?.url);
  if (!url)
    throw new VelocityError(
      'USAGE',
      'Which gateway? Set VELOCITY_REMOTE_URL, or remote.url in velocity.yml.',
    );
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new VelocityError('USAGE', `The gateway must be http(s)://host[:port], found "${url}".`);
  const timeoutMs = remote?.timeout ?? DEFAULT_TIMEOUT_MS;
  const text = env['VELOCITY_TOKEN'] || remote?.token;
  const exchange = { url, audience: remote?.audience ?? url, timeoutMs };
  const token = tokenSource(text ? new Secret(text) : undefined, env, exchange);
  return { ok: true, value: { url, token, timeoutMs } };
}

function readConfig(from: string, env: NodeJS.ProcessEnv): Checked<VelocityFile | undefined> {
  const file = nearest(from);
  if (file === undefined) return { ok: true, value: undefined };
  const text = readFileSync(file, 'utf8');
  const parsed = parseYaml(file, text, env);
  const shaped = parsed.ok ? checkShape(parsed.value, velocityFileSchema) : parsed;
  return shaped.ok ? shaped : { ok: false, mistakes: withoutPrivateKeys(text, shaped.mistakes) };
}

function nearest(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const file = join(folder, VELOCITY_FILE);
    if (existsSync(file)) return file;
    if (dirname(folder) === folder) return undefined;
  }
}
