import { Counter, type Registry } from '@prometheus-io/client';

export interface AuthMetrics {
  readonly failures: Counter<'reason'>;
}

export function authMetrics(registry: Registry): AuthMetrics {
  return {
    failures: new Counter({
      name: 'vc_auth_failures_total',
      help: 'Requests refused, by reason: no-token, unknown-token (also expired and revoked ones), no-right; of issuers’ tokens unknown-issuer, invalid-jwt, no-rule, issuer-unavailable; or what is wrong with a signed URL.',
      labelNames: ['reason'],
      registers: [registry],
    }),
  };
}
