import type { ErrorEvent, Exception, TransactionEvent } from '@sentry/core';

/**
 * Only what is named here leaves: whatever else the SDK, or an error's own fields, put into an event stays. Texts go
 * through `mask`.
 */
export function scrubError(event: ErrorEvent, mask: (text: string) => string): ErrorEvent {
  return {
    ...facts(event),
    type: undefined,
    ...(event.exception?.values && {
      exception: { values: event.exception.values.map((exception) => scrubException(exception, mask)) },
    }),
    contexts: {
      ...pick(event.contexts ?? {}, ['runtime', 'trace']),
      ...(event.contexts?.['log'] && { log: masked(event.contexts['log'], mask) }),
    },
    ...(event.tags && { tags: masked(event.tags, mask) }),
  };
}

/** As for errors. A trace holds no text of a client's but the request's id. */
export function scrubTrace(event: TransactionEvent, mask: (text: string) => string): TransactionEvent {
  return {
    ...facts(event),
    ...pick(event, ['start_timestamp', 'transaction', 'transaction_info']),
    type: 'transaction',
    spans: [],
    ...(event.contexts && { contexts: pick(event.contexts, ['runtime', 'trace']) }),
    ...(event.tags && { tags: masked(event.tags, mask) }),
  };
}

function facts(event: ErrorEvent | TransactionEvent) {
  return pick(event, ['event_id', 'timestamp', 'level', 'platform', 'environment', 'release', 'server_name']);
}

function scrubException({ type, value, mechanism, stacktrace }: Exception, mask: (text: string) => string) {
  const frames = stacktrace?.frames?.map((frame) => ({
    ...pick(frame, ['function', 'module', 'lineno', 'colno', 'in_app']),
    ...(frame.filename !== undefined && { filename: mask(frame.filename) }),
  }));
  return {
    ...(type !== undefined && { type }),
    ...(value !== undefined && { value: mask(value) }),
    ...(mechanism && {
      mechanism: pick(mechanism, ['type', 'handled', 'source', 'exception_id', 'parent_id']),
    }),
    ...(frames && { stacktrace: { frames } }),
  };
}

function masked(fields: Readonly<Record<string, unknown>>, mask: (text: string) => string) {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, mask(String(value))]));
}

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]])) as Pick<
    T,
    K
  >;
}
