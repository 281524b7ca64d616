import { ratio, secret, text, trueOrFalse } from '../config/kinds.ts';
import type { Settings } from '../config/setting.ts';

export const sentrySettings = {
  sentryDsn: {
    key: 'sentry.dsn',
    kind: secret(),
    doc: 'Where errors are reported to, as Sentry shows it for a project. Without it nothing is.',
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
    doc: 'How many of all requests are reported as traces.',
  },
  sentryDebug: {
    key: 'sentry.debug',
    kind: trueOrFalse(),
    default: false,
    doc: 'Log what is reported.',
  },
} as const satisfies Settings;
