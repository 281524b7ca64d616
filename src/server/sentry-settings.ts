import { ratio, secret, text, trueOrFalse } from '../config/kinds.ts';
import type { Settings } from '../config/setting.ts';

export const sentrySettings = {
  sentryDsn: {
    key: 'sentry.dsn',
    kind: secret(),
    doc: 'Where errors are reported to, as Sentry shows it for a project. Without it nothing is. Needs the package `@sentry/core`.',
  },
  sentryEnvironment: {
    key: 'sentry.environment',
    kind: text(),
    doc: 'Which of several deployments this is, in what is reported.',
  },
  sentryRelease: {
    key: 'sentry.release',
    kind: text(),
    doc: 'Which release this is, in what is reported. Without it, the version of this server.',
  },
  sentryTracesSampleRate: {
    key: 'sentry.traces_sample_rate',
    kind: ratio(),
    default: 0.1,
    doc: 'How many of all requests but probes are reported as traces of one span each: method, route, status and how long it took; 10 a second at most.',
  },
  sentryDebug: {
    key: 'sentry.debug',
    kind: trueOrFalse(),
    default: false,
    doc: 'Say on standard error, as text, what is reported and why something is not.',
  },
} as const satisfies Settings;
