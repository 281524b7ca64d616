import { unreachable } from '../base/unreachable.ts';
import type { Claims } from './claims.ts';
import type { TokenLimits } from './limits/token-limits.ts';

/** What a token may be let into; `admin` also replaces and deletes. */
export const RIGHTS = ['cache', 'files', 'objects', 'builds', 'admin'] as const;
export type Right = (typeof RIGHTS)[number];

/** What a token means. Every request past the door's hook carries one. */
export interface Access {
  /** Of the token, for logs and audits: tells tokens apart and gives none away. */
  readonly id: string;
  /** Tenants see nothing of each other. */
  readonly tenant: string;
  /** The one scope that its writes land in; `undefined` writes nothing. */
  readonly writeScope: string | undefined;
  /** Looked at in this order; the first hit wins. */
  readonly readScopes: readonly string[];
  readonly rights: ReadonlySet<Right>;
  /** Milliseconds since the epoch; from then on the token is unknown. */
  readonly expiresAt: number | undefined;
  /** What an issuer says of the bearer, where one vouches for it. */
  readonly claims?: Claims | undefined;
  /** What it may ask and move, where that is not what the settings say for all tokens. */
  readonly limits?: TokenLimits | undefined;
}

export const DEFAULT_TENANT = 'default';
/** The scope that trusted builds write. */
export const MAIN_SCOPE = 'main';
const PULL_REQUEST_SCOPE = 'pull-request';

export const PRESETS = ['main', 'pull-request', 'developer', 'admin'] as const;
export type Preset = (typeof PRESETS)[number];

export type Terms = Pick<Access, 'writeScope' | 'readScopes' | 'rights'>;

/**
 * What a preset stands for.
 * @param scope the scope it is about, in place of its own: what is written, or for a developer what is read
 */
export function presetTerms(preset: Preset, scope?: string): Terms {
  switch (preset) {
    case 'main':
      return trusted(scope ?? MAIN_SCOPE, ['cache', 'files', 'objects', 'builds']);
    case 'admin':
      return trusted(scope ?? MAIN_SCOPE, RIGHTS);
    case 'pull-request': {
      const own = scope ?? PULL_REQUEST_SCOPE;
      // Trusted first: what a pull request wrote hides nothing that was built on main, not even from itself.
      return { writeScope: own, readScopes: [MAIN_SCOPE, own], rights: new Set(['cache']) };
    }
    case 'developer':
      return { writeScope: undefined, readScopes: [scope ?? MAIN_SCOPE], rights: new Set(['cache']) };
    default:
      return unreachable(preset);
  }
}

function trusted(scope: string, rights: readonly Right[]): Terms {
  return { writeScope: scope, readScopes: [scope], rights: new Set(rights) };
}

/** What `VC_AUTH_TOKEN` means: everything, in the scope of trusted builds. */
export function everything(id: string): Access {
  return { id, tenant: DEFAULT_TENANT, ...presetTerms('admin'), expiresAt: undefined };
}

/** What `auth.bearer_token` means: all objects, and nothing of the build cache. */
export function objectsAlone(id: string): Access {
  const terms = { writeScope: undefined, readScopes: [], rights: new Set(['objects'] as const) };
  return { id, tenant: DEFAULT_TENANT, ...terms, expiresAt: undefined };
}
