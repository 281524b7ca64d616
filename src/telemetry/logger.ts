import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * JSON lines, one an event. Tokens and signatures never reach it: whoever logs a
 * request logs its path without the query. As a safety net these names are masked in what
 * is logged and one level below; each further level would cost every line some microseconds.
 */
export function openLogger(level: LogLevel, destination?: DestinationStream): Logger {
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
  };
  return destination ? pino(options, destination) : pino(options);
}
