import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorEvent, TransactionEvent } from '@sentry/core';
import { scrubError, scrubTrace } from './scrub-event.ts';

const mask = (text: string): string => text.replaceAll(/S\d/g, '***');

/** What integrations, scopes and later releases of the SDK may put into an event. */
const UNWANTED = {
  message: 'S1',
  request: { url: '/x?sig=S2', headers: { authorization: 'S3' }, data: 'S4', query_string: 'S5' },
  user: { ip_address: 'S6' },
  extra: { token: 'S7' },
  breadcrumbs: [{ message: 'S8' }],
  modules: { S9: '1' },
};

test('of an error leave its types, texts, frames and tags, masked, and nothing else', () => {
  const event: ErrorEvent = {
    ...UNWANTED,
    type: undefined,
    event_id: 'e1',
    level: 'error',
    exception: {
      values: [
        {
          type: 'Error',
          value: 'failed with S1',
          mechanism: { type: 'generic', handled: true, data: { key: 'S2' } },
          stacktrace: {
            frames: [
              {
                filename: '/srv/a.js',
                function: 'run',
                lineno: 3,
                context_line: 'S3',
                vars: { secret: 'S4' },
              },
            ],
          },
        },
      ],
    },
    contexts: { log: { message: 'a request failed: S5' }, runtime: { name: 'node' }, other: { key: 'S6' } },
    tags: { requestId: 'r1', code: 'S7' },
  };
  assert.deepEqual(scrubError(event, mask), {
    type: undefined,
    event_id: 'e1',
    level: 'error',
    exception: {
      values: [
        {
          type: 'Error',
          value: 'failed with ***',
          mechanism: { type: 'generic', handled: true },
          stacktrace: { frames: [{ filename: '/srv/a.js', function: 'run', lineno: 3 }] },
        },
      ],
    },
    contexts: { log: { message: 'a request failed: ***' }, runtime: { name: 'node' } },
    tags: { requestId: 'r1', code: '***' },
  });
});

test('of a trace leave its name, its times and its one span', () => {
  const trace = { trace_id: 't1', span_id: 's1', op: 'http.server' };
  const event: TransactionEvent = {
    ...UNWANTED,
    type: 'transaction',
    transaction: 'GET /v1/proxy/blob/:key',
    start_timestamp: 1,
    timestamp: 2,
    contexts: { trace, log: { message: 'S1' } },
    tags: { requestId: 'S2' },
  };
  assert.deepEqual(scrubTrace(event, mask), {
    type: 'transaction',
    transaction: 'GET /v1/proxy/blob/:key',
    start_timestamp: 1,
    timestamp: 2,
    spans: [],
    contexts: { trace },
    tags: { requestId: '***' },
  });
});
