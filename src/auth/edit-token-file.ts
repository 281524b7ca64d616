import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { isMap, isSeq, parseDocument, type YAMLSeq } from 'yaml';
import { messageOf, VelocityError } from '../base/errors.ts';
import { isScopeName, NAME_EXPECTS } from '../base/scope-name.ts';
import { describeMistake } from '../config/mistake.ts';
import { DEFAULT_TENANT, MAIN_SCOPE, type Preset } from './access.ts';
import { LIMITED, type Limited, limitExpects, parseLimit } from './limits/token-limits.ts';
import { type NewToken, newToken } from './token.ts';
import { parseTokenFile, type TokenRow } from './token-file.ts';

export interface TokenRequest {
  readonly preset: Preset;
  readonly tenant?: string | undefined;
  /** In place of the preset's own: what it writes, or for a developer what it reads. */
  readonly scope?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number | undefined;
  /** As they are written in the file: `600/m`, `10GiB/h`, `none`. */
  readonly limits?: { readonly [What in Limited]?: string | undefined };
  readonly note?: string | undefined;
}

/** Only the owner reads it: digests give no token away, but who may do what is nobody else's business. */
const MODE = 0o600;
const HEADER =
  ' Tokens of a VelocityCache server, each as the SHA-256 of its text. `velocity token` adds and revokes them;\n' +
  ' what is written here by hand stays. The server reads the file again when it changes.';

/**
 * Makes a token and appends it to the file, which is made where it is missing.
 * @returns the token, kept nowhere, and what it means
 * @throws VelocityError `TOKENS_INVALID`, `USAGE`
 */
export function addToken(path: string, request: TokenRequest): NewToken & { readonly row: TokenRow } {
  const { scope, tenant } = request;
  for (const [option, name] of [
    ['--scope', scope],
    ['--tenant', tenant],
  ] as const) {
    if (name !== undefined && !isScopeName(name)) {
      throw new VelocityError('USAGE', `${option} ${name}: expected ${NAME_EXPECTS}.`);
    }
  }
  for (const what of LIMITED) {
    const limit = request.limits?.[what];
    if (limit !== undefined && parseLimit(what, limit) === undefined) {
      throw new VelocityError('USAGE', `--limit-${what} ${limit}: expected ${limitExpects(what)}.`);
    }
  }
  if (request.preset === 'pull-request' && scope === MAIN_SCOPE) {
    throw new VelocityError(
      'USAGE',
      `A pull request never writes the scope "${MAIN_SCOPE}", which trusted builds read.`,
    );
  }
  const made = newToken();
  const rows = edit(path, (tokens, document) => {
    const node = document.createNode(spelled(made, request));
    tokens.flow = false;
    tokens.add(node);
    return true;
  });
  const row = rows?.find(({ access }) => access.id === made.id);
  if (!row) throw new Error('unreachable: what was added is not there');
  return { ...made, row };
}

/**
 * Takes a token out of the file.
 * @returns whether it was there
 * @throws VelocityError `TOKENS_INVALID`
 */
export function removeToken(path: string, id: string): boolean {
  const rows = edit(path, (tokens) => {
    const index = tokens.items.findIndex((item) => isMap(item) && item.get('id') === id);
    if (index < 0) return false;
    tokens.delete(index);
    return true;
  });
  return rows !== undefined;
}

/** @throws VelocityError `TOKENS_INVALID` */
export function listTokens(path: string): readonly TokenRow[] {
  return checked(path, readText(path) ?? missing(path));
}

function spelled({ id, sha256 }: NewToken, request: TokenRequest) {
  const { preset, tenant, scope, expiresAt, note } = request;
  const limits = withoutGaps(request.limits ?? {});
  const place = preset === 'developer' ? { read: scope && [scope] } : { write: scope };
  const terms = {
    id,
    sha256,
    preset,
    tenant: tenant === DEFAULT_TENANT ? undefined : tenant,
    ...place,
    expires: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
    limits: Object.keys(limits).length > 0 ? limits : undefined,
    note,
  };
  return withoutGaps(terms);
}

function withoutGaps(terms: object): object {
  return Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined));
}

/** Changes the list of tokens. Comments, order and the other tokens stay; blanks between them may not. */
function edit(
  path: string,
  change: (tokens: YAMLSeq, document: ReturnType<typeof parseDocument>) => boolean,
): readonly TokenRow[] | undefined {
  const text = readText(path) ?? '';
  const isEmpty = text.trim() === '';
  if (!isEmpty) checked(path, text);
  const document = parseDocument(isEmpty ? 'tokens: []\n' : text);
  if (isEmpty) document.commentBefore = HEADER;
  if (!isSeq(document.get('tokens'))) document.set('tokens', document.createNode([]));
  const tokens = document.get('tokens');
  if (!isSeq(tokens) || !change(tokens, document)) return undefined;
  const changed = document.toString({ lineWidth: 0, flowCollectionPadding: false });
  const rows = checked(path, changed);
  replace(path, changed);
  return rows;
}

function checked(path: string, text: string): readonly TokenRow[] {
  const parsed = parseTokenFile(path, text);
  if (parsed.ok) return parsed.value.tokens;
  throw new VelocityError('TOKENS_INVALID', `${parsed.mistakes.map(describeMistake).join('\n')}`);
}

function readText(path: string): string | undefined {
  try {
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  } catch (error) {
    throw unusable(path, 'read', error);
  }
}

function missing(path: string): never {
  throw new VelocityError('TOKENS_INVALID', `There is no file ${path}; \`velocity token new\` makes it.`);
}

/** In one step, so that a server that reads meanwhile sees the old file or the new one. */
function replace(path: string, text: string): void {
  let temporary: string | undefined;
  try {
    const target = existsSync(path) ? realpathSync(path) : path; // a link stays one
    temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`;
    const file = openSync(temporary, 'wx', MODE);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, target);
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    throw unusable(path, 'written', error);
  }
}

function unusable(path: string, what: string, cause: unknown): VelocityError {
  return new VelocityError('TOKENS_INVALID', `${path} cannot be ${what}: ${messageOf(cause)}.`, { cause });
}
