import { Option } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { parseDuration } from '../../base/duration.ts';
import { VelocityError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import type { CliCommand } from '../command.ts';
import { EXIT } from '../io.ts';
import { printMistakes } from '../print-mistakes.ts';
import { loadPresignSide } from '../server-side.ts';
import { addSettingFlags, givenFlags } from '../setting-flags.ts';

const {
  loadSigningSettings,
  SECRET_NAMES,
  PRESIGNED_METHODS,
  signPath,
  keyRefusal,
  escapeUriPath,
  FILES_BUCKET,
  parseFilePath,
} = await loadPresignSide();

type SigningSettings = Extract<ReturnType<typeof loadSigningSettings>, { ok: true }>['value'];
type Method = (typeof PRESIGNED_METHODS)[number];

interface SignOptions {
  readonly expires: string;
  readonly url?: string;
}

/** `velocity sign`: a URL that opens one object of an object gateway, or one file, by one method, for whoever has it. */
export const signCommand: CliCommand = {
  declare(command, { io, exit }) {
    command
      .description(
        'Sign a URL of an object gateway, or of a file (files/path). The private key and the names of stores are those of `velocity serve`, from --config and the environment: auth.private_key (VC_AUTH_PRIVATE_KEY), as `velocity keygen` makes it.',
      )
      .argument('<method>', `what the URL opens: ${PRESIGNED_METHODS.join(', ')}`)
      .argument('<object>', 'the store and the path in it, as they are before any escape: media/path/to/file')
      .addOption(new Option('--expires <duration>', 'how long it opens it').default('15m'))
      .option('--url <url>', 'the server, in front of the path (default: public_url; else the path alone)')
      .action((method: string, object: string, { expires, url }: SignOptions) => {
        const { configFiles, fromEnv } = givenFlags(command);
        const loaded = loadSigningSettings({ flags: new Map(), configFiles, fromEnv, env: io.env });
        if (!loaded.ok) {
          printMistakes(loaded.mistakes, io, io.cwd, SECRET_NAMES);
          exit(EXIT.usage);
          return;
        }
        const expiresAt = systemClock.now() + lifetimeOf(expires);
        const request = { method: methodOf(method), ...placeOf(object, loaded.value) };
        const base = url === undefined ? (loaded.value.publicUrl ?? '') : baseOf(url);
        const path = `/${request.bucket}/${escapeUriPath(request.path)}`;
        io.stdout.write(`${base}${path}?sig=${signPath(request, expiresAt, keyOf(loaded.value))}\n`);
      });
    addSettingFlags(command, {});
  },
};

function methodOf(given: string): Method {
  const method = PRESIGNED_METHODS.find((each) => each === given.toUpperCase());
  if (method) return method;
  throw new VelocityError('USAGE', `A URL opens ${PRESIGNED_METHODS.join(', ')}; there is no "${given}".`);
}

/** A name that the settings tell of may be wrong; where they tell of none, the server knows. */
function placeOf(object: string, { stores }: SigningSettings): { bucket: string; path: string } {
  const [, bucket, path] = /^\/?([^/]+)\/(.+)$/s.exec(object) ?? [];
  if (bucket === undefined || path === undefined)
    throw new VelocityError('USAGE', `"${object}" names no object: expected a store and a path, media/path.`);
  if (bucket === FILES_BUCKET) {
    parseFilePath(path);
    return { bucket, path };
  }
  if (stores.size > 0 && !stores.has(bucket)) {
    const known = [...stores.keys()];
    const tail = didYouMean(bucket, known) || `; there are ${known.join(', ')}`;
    throw new VelocityError('USAGE', `There is no store "${bucket}"${tail}.`);
  }
  const refusal = keyRefusal(path);
  if (refusal !== undefined)
    throw new VelocityError('USAGE', `No object has the path "${path}": ${refusal}.`);
  return { bucket, path };
}

function lifetimeOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new VelocityError('USAGE', `--expires ${text}: expected a duration such as 15m or 7d.`);
}

function baseOf(url: string): string {
  if (/^https?:\/\/[^?#]+$/i.test(url) && URL.canParse(url)) return url.replace(/\/+$/, '');
  throw new VelocityError('USAGE', `--url ${url}: expected a URL such as https://host or http://host:8080.`);
}

function keyOf({ presignPrivateKey }: SigningSettings) {
  if (presignPrivateKey) return presignPrivateKey;
  throw new VelocityError(
    'USAGE',
    'There is no key to sign with: name a file that has auth.private_key by --config, or set VC_AUTH_PRIVATE_KEY. `velocity keygen` makes one.',
  );
}
