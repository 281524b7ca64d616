import { Console } from 'node:console';
import type { Writable } from 'node:stream';
import { messageOf, systemCode, VelocityError } from '../base/errors.ts';

/** What to install: the peer of `package.json`. */
export const SENTRY_PACKAGE = '@sentry/core@~11.12.0';

export type SentrySdk = Awaited<ReturnType<typeof importSentry>>;

/**
 * The SDK, which is installed by whoever wants it and loaded only here.
 * @throws VelocityError `SENTRY_UNAVAILABLE` where it is not there
 */
export async function loadSentry(load: () => Promise<SentrySdk> = importSentry): Promise<SentrySdk> {
  try {
    return await load();
  } catch (error) {
    const why =
      systemCode(error) === 'ERR_MODULE_NOT_FOUND'
        ? 'is not installed'
        : `cannot be loaded (${messageOf(error)})`;
    throw new VelocityError(
      'SENTRY_UNAVAILABLE',
      `sentry.dsn is set, but the package that reports to it ${why}: install it beside velocitycache with npm install '${SENTRY_PACKAGE}'.`,
      { cause: error, field: 'sentry.dsn' },
    );
  }
}

async function importSentry() {
  const [core, { ServerRuntimeClient, nodeStackLineParser }] = await Promise.all([
    import('@sentry/core'),
    import('@sentry/core/server'),
  ]);
  const { Scope, createTransport, createStackParser, linkedErrorsIntegration } = core;
  const { debug, getSpanStatusFromHttpCode, originalConsoleMethods } = core;
  return {
    Scope,
    ServerRuntimeClient,
    createStackParser,
    createTransport,
    getSpanStatusFromHttpCode,
    linkedErrorsIntegration,
    nodeStackLineParser,
    /** The SDK's own words, which it says to the console; standard output is for the log's JSON lines alone. */
    debugTo(stream: Writable): void {
      const { log, warn, error } = new Console(stream);
      Object.assign(originalConsoleMethods, { log, warn, error });
      debug.enable();
    },
  };
}
