import { type LoggedError, type Logger, openLogger } from '../telemetry/logger.ts';
import type { SentryReports, TracedRequest } from '../telemetry/sentry-reports.ts';
import type { Io } from './io.ts';
import { reportCrash } from './report-crash.ts';
import { version } from './version.ts';

/** What a server is told of the process it runs in. */
export interface LoggedSurroundings {
  readonly logger: Logger;
  readonly version: string;
  readonly onTrace: ((request: TracedRequest) => void) | undefined;
}

interface LoggedSettings {
  readonly logLevel: Parameters<typeof openLogger>[0];
  readonly sentryTracesSampleRate: number;
}

/** Runs a server with its log, and with reports of its errors and crashes where they are wanted, until it is done. */
export async function runLogged(
  sentry: SentryReports | undefined,
  { logLevel, sentryTracesSampleRate }: LoggedSettings,
  io: Io,
  run: (around: LoggedSurroundings) => Promise<void>,
): Promise<void> {
  const onError = sentry && ((line: LoggedError) => sentry.report(line));
  const onTrace =
    sentry && sentryTracesSampleRate > 0
      ? (request: TracedRequest): void => sentry.trace(request)
      : undefined;
  const logger = openLogger(logLevel, undefined, onError);
  const unwatch = sentry && reportCrash(sentry, io.stderr);
  try {
    await run({ logger, version: version(), onTrace });
  } finally {
    await sentry?.close();
    unwatch?.();
  }
}
