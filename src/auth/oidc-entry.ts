/** How an issuer and its rules are written in the token file. */
import * as z from 'zod';
import { isScopeName, NAME_EXPECTS } from '../base/scope-name.ts';
import { isIssuerUrl } from './issuer-url.ts';
import type { OidcIssuer, OidcRule } from './oidc-rules.ts';
import { hasPlaces } from './scope-template.ts';
import { checkTerms, termsFields, toTerms } from './terms-entry.ts';

/**
 * Issuers that hand a token to whoever asks: their signature alone says nothing. Of each, the claims that tell
 * whose the token is and that its holder cannot choose. GitHub:
 * https://docs.github.com/actions/reference/security/oidc; GitLab: https://docs.gitlab.com/ci/secrets/id_token_authentication/
 */
const OPEN_TO_ALL: Readonly<Record<string, readonly string[]>> = {
  'https://token.actions.githubusercontent.com': [
    'repository_id',
    'repository_owner_id',
    'repository',
    'repository_owner',
    'enterprise_id',
    'enterprise',
    'sub',
  ],
  'https://gitlab.com': ['project_id', 'namespace_id', 'project_path', 'namespace_path', 'sub'],
  'https://agent.buildkite.com': ['organization_id', 'pipeline_id', 'organization_slug', 'sub'],
};

const SCOPE_EXPECTS = `expected ${NAME_EXPECTS}; or words followed by claims in braces, as in pr-{ref}`;

/** Its own words come first: claims that stand alone could spell any scope. */
const scopeTemplate = z
  .string()
  .refine(
    (text) =>
      hasPlaces(text) ? /^[a-z0-9][a-z0-9._-]*(?:\{[^{}\s]+\}|[^{}])+$/.test(text) : isScopeName(text),
    SCOPE_EXPECTS,
  );
/** Numbers are texts in this file, as they are written: a branch may be called 2.0. */
const claimText = z.union([z.string().min(1), z.boolean()], 'expected a text').transform(String);

const rule = z
  .strictObject({
    when: z
      .record(
        z.string(),
        z.union([claimText, z.array(claimText).min(1)], 'expected a text or a list of texts'),
      )
      .refine(
        (when) => Object.keys(when).length > 0,
        'names no claim: it would let in whoever the issuer knows',
      ),
    ...termsFields(scopeTemplate),
  })
  .superRefine(checkTerms);

export const issuerEntry = z
  .strictObject({
    issuer: z.string().refine(isIssuerUrl, 'expected the issuer as in its tokens, an https:// URL'),
    audience: z.string().min(1, 'expected what tokens for this server have as "aud"'),
    jwks_uri: z.string().refine(isIssuerUrl, 'expected an https:// URL').optional(),
    rules: z.array(rule).min(1, 'expected a rule: without one no token opens anything'),
  })
  .superRefine(({ issuer, rules }, context) => {
    const telling = OPEN_TO_ALL[issuer.replace(/\/$/, '')];
    for (const [index, { when }] of telling ? rules.entries() : []) {
      if (telling?.some((claim) => isExact(when[claim]))) continue;
      const message = `anybody can have a token of this issuer: say whose it must be, by ${telling?.slice(0, 2).join(' or ')}`;
      context.addIssue({ code: 'custom', message, path: ['rules', index, 'when'] });
    }
  });

export function toIssuer({
  issuer,
  audience,
  jwks_uri: jwksUri,
  rules,
}: z.infer<typeof issuerEntry>): OidcIssuer {
  return { issuer, audience, jwksUri, rules: rules.map(toRule) };
}

function toRule({ when, ...terms }: z.infer<typeof rule>): OidcRule {
  const texts = Object.entries(when).map(([name, wanted]) => [name, [wanted].flat()]);
  return { when: Object.fromEntries(texts), ...toTerms(terms) };
}

function isExact(texts: string | readonly string[] | undefined): boolean {
  return texts !== undefined && [texts].flat().every((text) => !text.endsWith('*'));
}
