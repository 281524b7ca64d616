import { messageOf, VelocityError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { EXCHANGE_PATH } from '../../wire/exchange.ts';

/** Where a CI job gets the token that says which job it is. */
export type JobIdentity =
  | { readonly from: 'variable'; readonly token: Secret }
  /** https://docs.github.com/actions/reference/security/oidc#methods-for-requesting-the-oidc-token */
  | { readonly from: 'github-actions'; readonly url: string; readonly secret: Secret };

/** Of an environment; `undefined` outside of CI, and in jobs that may have none, such as those of forks. */
export function jobIdentity(env: NodeJS.ProcessEnv): JobIdentity | undefined {
  const { VELOCITY_ID_TOKEN: token, ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN } = env;
  if (token) return { from: 'variable', token: new Secret(token) };
  if (!url || !ACTIONS_ID_TOKEN_REQUEST_TOKEN) return undefined;
  return { from: 'github-actions', url, secret: new Secret(ACTIONS_ID_TOKEN_REQUEST_TOKEN) };
}

export interface ExchangeOptions {
  /** The gateway. */
  readonly url: string;
  /** Whom the job's token is to be for: what the gateway's rules demand. A token from a variable is for somebody already. */
  readonly audience: string;
  /** For each of the two answers. */
  readonly timeoutMs: number;
  /** Breaks it off. */
  readonly signal?: AbortSignal;
}

/**
 * Asks the CI for the job's token and the gateway for one of its own in place of that.
 * @throws VelocityError `NO_IDENTITY` in words for whoever set the job up
 */
export async function exchangeIdentity(identity: JobIdentity, options: ExchangeOptions): Promise<Secret> {
  const issued = identity.from === 'variable' ? identity.token : await askActions(identity, options);
  const gateway = new URL(options.url.replace(/\/+$/, '') + EXCHANGE_PATH);
  gateway.username = gateway.password = ''; // the token is what opens it, and fetch takes no others
  const shown = gateway.origin + gateway.pathname;
  const reply = await send(gateway, options, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: issued.reveal() }),
  });
  if (reply.status === 200 && typeof reply.json?.['token'] === 'string')
    return new Secret(reply.json['token']);
  const audience = identity.from === 'variable' ? 'of VELOCITY_ID_TOKEN' : options.audience;
  const hint = hintFor(reply.status, audience);
  throw noIdentity(`${shown} answered ${reply.status} to the token of this job. ${hint}`);
}

function hintFor(status: number, audience: string): string {
  if (status === 401)
    return `Has its token file a rule that fits this job, for the audience ${audience}? Its log tells what the rules were held against.`;
  if (status === 429) return 'The gateway limits requests.';
  return status >= 500 ? 'The gateway’s log has more.' : 'Is remote.url the gateway’s own address?';
}

async function askActions(
  { url, secret }: JobIdentity & { from: 'github-actions' },
  options: ExchangeOptions,
): Promise<Secret> {
  if (!URL.canParse(url)) throw noIdentity('ACTIONS_ID_TOKEN_REQUEST_URL is no URL.');
  const target = new URL(url);
  target.searchParams.set('audience', options.audience);
  const headers = { authorization: `bearer ${secret.reveal()}`, accept: 'application/json' };
  const { status, json } = await send(target, options, { headers });
  if (status === 200 && typeof json?.['value'] === 'string') return new Secret(json['value']);
  throw noIdentity(
    `GitHub answered ${status} when asked for this job’s token. Does it have "permissions: id-token: write"?`,
  );
}

interface Reply {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

async function send(url: URL, { timeoutMs, signal }: ExchangeOptions, request: RequestInit): Promise<Reply> {
  try {
    const signals = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
    const reply = await fetch(url, { ...request, redirect: 'manual', signal: AbortSignal.any(signals) });
    const json: unknown = await reply.json().catch(() => undefined);
    return { status: reply.status, json: (json ?? undefined) as Reply['json'] };
  } catch (error) {
    throw noIdentity(`${url.origin}${url.pathname} could not be asked: ${reasonOf(error)}.`);
  }
}

/** Why a request failed. What was no request at all is quoted by `fetch`, secrets and all, so not here. */
function reasonOf(error: unknown): string {
  if (!(error instanceof TypeError)) return messageOf(error);
  return error.cause === undefined ? 'its address or its secret cannot be sent' : messageOf(error.cause);
}

function noIdentity(message: string): VelocityError {
  return new VelocityError('NO_IDENTITY', message);
}
