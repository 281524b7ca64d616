import type { Writable } from 'node:stream';
import { maskTokens } from '../auth/token.ts';
import { systemClock } from '../base/clock.ts';
import { Secret } from '../base/secret.ts';
import { SentryReports } from '../telemetry/sentry-reports.ts';
import type { LoadedSettings } from './load-settings.ts';

/** Shorter values stand in many a harmless word. */
const SHORTEST_SECRET = 6;

/**
 * Where errors are reported to, if anywhere: without a DSN nothing of Sentry is loaded.
 * @throws VelocityError `SENTRY_UNAVAILABLE`
 */
export async function openSentry(
  { values, stores }: Pick<LoadedSettings, 'values' | 'stores'>,
  around: { readonly version: string; readonly debugTo: Writable },
): Promise<SentryReports | undefined> {
  if (values.sentryDsn === undefined) return undefined;
  const secrets = secretsIn([values, ...stores.values()]);
  return SentryReports.open(
    {
      dsn: values.sentryDsn,
      environment: values.sentryEnvironment,
      release: values.sentryRelease ?? around.version,
      tracesSampleRate: values.sentryTracesSampleRate,
      debugTo: values.sentryDebug ? around.debugTo : undefined,
    },
    { clock: systemClock, mask: (text) => maskValues(maskTokens(text), secrets) },
  );
}

/** The values of all secrets of the settings, however deep, longest first: one may be part of another. */
function secretsIn(value: unknown): string[] {
  const found = new Set<string>();
  const visit = (inner: unknown): void => {
    if (inner instanceof Secret) found.add(inner.reveal());
    else if (typeof inner === 'object' && inner !== null) Object.values(inner).forEach(visit);
  };
  visit(value);
  return [...found].filter((text) => text.length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length);
}

function maskValues(text: string, secrets: readonly string[]): string {
  let masked = text;
  for (const secret of secrets) masked = masked.replaceAll(secret, '***');
  return masked;
}
