import type { Writable } from 'node:stream';
import type { SentryReports } from '../telemetry/sentry-reports.ts';
import { EXIT } from './io.ts';

/**
 * Reports what nothing caught, says it as Node does, and ends the process as Node does, once the report is sent. A
 * second one in the meantime, 2 s at most, is Node's own: it ends the process at once.
 * @returns leaves it all to Node again
 */
export function reportCrash(sentry: SentryReports, stderr: Writable): () => void {
  const crashed = (error: unknown): void => {
    stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    sentry.report({ error, message: 'nothing caught this', level: 'fatal' });
    sentry.close().finally(() => process.exit(EXIT.failed));
  };
  process.once('uncaughtException', crashed);
  return () => process.off('uncaughtException', crashed);
}
