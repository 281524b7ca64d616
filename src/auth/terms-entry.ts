/** What a token or an issuer's rule opens, as it is written in the token file. */
import * as z from 'zod';
import { isScopeName, NAME_EXPECTS } from '../base/scope-name.ts';
import {
  DEFAULT_TENANT,
  MAIN_SCOPE,
  PRESETS,
  type Preset,
  presetTerms,
  RIGHTS,
  type Right,
} from './access.ts';
import { type Limited, limitExpects, parseLimit, type TokenLimits } from './limits/token-limits.ts';

export const scopeName = z.string().refine(isScopeName, `expected ${NAME_EXPECTS}`);

const limit = (what: Limited) =>
  z.string().refine((text) => parseLimit(what, text) !== undefined, `expected ${limitExpects(what)}`);

/** @param scope how a scope is written here */
export function termsFields(scope: z.ZodType<string, string>) {
  return {
    preset: z.enum(PRESETS).optional(),
    tenant: scopeName.optional(),
    write: scope.optional(),
    read: z.array(scope).optional(),
    rights: z.array(z.enum(RIGHTS)).optional(),
    limits: z
      .strictObject({ requests: limit('requests').optional(), bytes: limit('bytes').optional() })
      .optional(),
  };
}

interface WrittenTerms {
  readonly preset?: Preset | undefined;
  readonly tenant?: string | undefined;
  readonly write?: string | undefined;
  readonly read?: readonly string[] | undefined;
  readonly rights?: readonly Right[] | undefined;
  readonly limits?:
    | { readonly requests?: string | undefined; readonly bytes?: string | undefined }
    | undefined;
}

/** What the fields cannot say of each other. */
export function checkTerms(
  { preset, write, read }: WrittenTerms,
  context: Pick<z.core.$RefinementCtx, 'addIssue'>,
): void {
  const mistake = (message: string, path: string[], input: unknown): void =>
    context.addIssue({ code: 'custom', message, path, input });
  if (preset === undefined && write === undefined && read === undefined)
    mistake('has no meaning yet: give it a preset, or scopes to read and write', [], undefined);
  if (preset === 'developer' && write !== undefined)
    mistake('a developer writes nothing: give no write, or no preset', ['write'], write);
  if (preset === 'pull-request' && write === MAIN_SCOPE)
    mistake(`a pull request never writes "${MAIN_SCOPE}", which trusted builds read`, ['write'], write);
}

/** A preset's terms, but for what is written beside it. */
export function toTerms({ preset, tenant, write, read, rights, limits }: WrittenTerms) {
  const terms = preset && presetTerms(preset, write);
  return {
    tenant: tenant ?? DEFAULT_TENANT,
    writeScope: terms?.writeScope ?? write,
    readScopes: [...new Set(read ?? terms?.readScopes ?? [])],
    rights: rights ? new Set(rights) : (terms?.rights ?? new Set<Right>(['cache'])),
    ...(limits && { limits: toLimits(limits) }),
  };
}

function toLimits({ requests, bytes }: NonNullable<WrittenTerms['limits']>): TokenLimits {
  return {
    requests: requests === undefined ? undefined : parseLimit('requests', requests),
    bytes: bytes === undefined ? undefined : parseLimit('bytes', bytes),
  };
}
