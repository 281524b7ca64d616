import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';

export type { Logger };

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A line of level error or above that carries an `err`. */
export interface LoggedError {
  readonly error: unknown;
  readonly message: string;
  readonly level: 'error' | 'fatal';
  readonly requestId?: string | undefined;
}

/**
 * JSON lines, one an event. Tokens and signatures never reach it: whoever logs a
 * request logs its path without the query. As a safety net these names are masked in what
 * is logged and one level below; each further level would cost every line some microseconds.
 * @param onError told of each line that carries an error, once it is written; it must not throw
 */
export function openLogger(
  level: LogLevel,
  destination?: DestinationStream,
  onError?: (line: LoggedError) => void,
): Logger {
  const options = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: ['authorization', '*.authorization', 'token', '*.token', 'secret', '*.secret', 'sig', '*.sig'],
      censor: '***',
    },
    ...(onError && { hooks: telling(onError) }),
  };
  return destination ? pino(options, destination) : pino(options);
}

/** Hands on what is logged of an error. Lines below the logger's level do not come here. */
function telling(onError: (line: LoggedError) => void): NonNullable<LoggerOptions['hooks']> {
  const { error: lowest = 50, fatal } = pino.levels.values;
  return {
    logMethod(args, method, level) {
      method.apply(this, args);
      if (level < lowest) return;
      const [fields, message] = args as readonly unknown[];
      if (typeof fields !== 'object' || fields === null) return;
      const error = 'err' in fields ? fields.err : fields;
      if (error === fields && !(error instanceof Error)) return;
      onError({
        error,
        message: typeof message === 'string' ? message : '',
        level: level === fatal ? 'fatal' : 'error',
        ...('requestId' in fields && { requestId: String(fields.requestId) }),
      });
    },
  };
}
