import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { VelocityError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { loadSentry, SENTRY_PACKAGE } from './load-sentry.ts';
import { openLogger } from './logger.ts';
import type { PostEnvelope } from './post-envelope.ts';
import { SentryReports, type SentrySettings } from './sentry-reports.ts';

const DSN = new Secret('https://public@sentry.example/42');
const OK = { statusCode: 200, headers: { 'retry-after': null, 'x-sentry-rate-limits': null } };
const REQUEST = { id: 'r1', method: 'GET', route: '/v1/proxy/blob/:key', status: 200, ms: 250 } as const;

interface SentEvent {
  readonly [name: string]: unknown;
  readonly tags: Readonly<Record<string, string>>;
  readonly exception: {
    readonly values: readonly {
      readonly type: string;
      readonly value: string;
      readonly stacktrace: unknown;
    }[];
  };
}

/** A transport that answers at once, unless told otherwise, and keeps what it was given. */
class Sent {
  readonly clock = new ManualClock();
  readonly urls: string[] = [];
  readonly bodies: string[] = [];
  reports: SentryReports | undefined;

  async open(
    settings: Partial<SentrySettings> = {},
    answer: PostEnvelope = async () => OK,
  ): Promise<SentryReports> {
    const { clock, urls, bodies } = this;
    return SentryReports.open(
      { dsn: DSN, environment: 'test', release: '1.2.3', tracesSampleRate: 0, ...settings },
      {
        clock,
        mask: (text) => text.replaceAll('hunter2', '***'),
        random: () => 0.5,
        post: (url, body, signal) => {
          urls.push(url);
          bodies.push(String(body));
          return answer(url, body, signal);
        },
      },
    );
  }

  get events(): SentEvent[] {
    return this.bodies.map((body) => JSON.parse(body.split('\n')[2] ?? '') as SentEvent);
  }
}

const failed = (message: string) =>
  new VelocityError('STORAGE_UNAVAILABLE', message, { cause: new Error('connect ECONNREFUSED') });

describe('an error that is logged', () => {
  test('is sent with its causes, its code and its request, and says where it comes from', async () => {
    const sent = new Sent();
    const reports = await sent.open();
    reports.report({
      error: failed('no storage'),
      message: 'a request failed',
      level: 'error',
      requestId: 'r1',
    });
    await reports.close();
    assert.match(sent.urls[0] ?? '', /^https:\/\/sentry\.example\/api\/42\/envelope\/\?.*sentry_key=public/);
    const [event] = sent.events;
    assert.deepEqual(
      event?.exception.values.map(({ type, value }) => [type, value]),
      [
        ['Error', 'connect ECONNREFUSED'],
        ['VelocityError', 'no storage'],
      ],
    );
    assert.deepEqual(event?.tags, { code: 'STORAGE_UNAVAILABLE', requestId: 'r1' });
    assert.match(JSON.stringify(event?.exception.values[1]?.stacktrace), /sentry-reports\.test\.ts/);
    assert.deepEqual(
      [event?.['environment'], event?.['release'], event?.['level']],
      ['test', '1.2.3', 'error'],
    );
  });

  test('is sent by the logger, which writes its line all the same', async () => {
    const sent = new Sent();
    const reports = await sent.open();
    const lines: string[] = [];
    const logger = openLogger('info', { write: (line) => void lines.push(line) }, (line) =>
      reports.report(line),
    );
    logger.error({ requestId: 'r1', err: failed('one') }, 'a request failed');
    logger.child({ store: 'media' }).fatal({ err: failed('two') }, 'the end');
    logger.error({ reason: 'three' }, 'without an error');
    logger.warn({ err: failed('four') }, 'less than an error');
    logger.info('five');
    await reports.close();
    assert.equal(lines.length, 5);
    assert.deepEqual(
      sent.events.map(({ level, tags }) => [level, tags['requestId']]),
      [
        ['error', 'r1'],
        ['fatal', undefined],
      ],
    );
  });

  test('is not sent below the level of the log, where there is no line either', async () => {
    const sent = new Sent();
    const reports = await sent.open();
    openLogger('silent', undefined, (line) => reports.report(line)).error({ err: failed('one') }, 'failed');
    await reports.close();
    assert.deepEqual(sent.bodies, []);
  });

  test('is not sent where the client is at fault', async () => {
    const sent = new Sent();
    const reports = await sent.open();
    for (const code of ['UNAUTHORIZED', 'NOT_FOUND', 'RATE_LIMITED'] as const)
      reports.report({ error: new VelocityError(code, 'no'), message: 'refused', level: 'error' });
    await reports.close();
    assert.deepEqual(sent.bodies, []);
  });

  test('may be anything that is thrown', async () => {
    const sent = new Sent();
    const reports = await sent.open();
    for (const error of ['a text', { sig: 'S1' }, undefined, Object.freeze(new Error('frozen'))])
      reports.report({ error, message: 'failed', level: 'error' });
    await reports.close();
    assert.equal(sent.events.length, 4);
    assert.doesNotMatch(sent.bodies.join(), /S1/);
  });
});

test('what leaves holds no query, no token, no named secret and no field of the error', async () => {
  const sent = new Sent();
  const reports = await sent.open();
  const cause = new Error('PUT https://bucket.example/key?X-Amz-Signature=S1: refused with hunter2');
  const error = Object.assign(
    new Error('GET /v1/proxy/blob/x?exp=1&sig=S2 Authorization: Bearer S3', { cause }),
    {
      token: 'S4',
      request: { headers: { authorization: 'S5' }, body: 'S6' },
    },
  );
  reports.report({ error, message: 'sig=S7', level: 'error', requestId: 'token=S8' });
  await reports.close();
  assert.equal(sent.bodies.length, 1);
  assert.doesNotMatch(sent.bodies.join(), /S[1-8]|hunter2/);
});

describe('a request', () => {
  test('is a trace of one span where it is among those that are', async () => {
    const sent = new Sent();
    const reports = await sent.open({ tracesSampleRate: 0.6 });
    reports.trace(REQUEST);
    reports.trace({ ...REQUEST, status: 'aborted' });
    await reports.close();
    const [trace, aborted] = sent.events;
    const end = sent.clock.now() / 1000;
    assert.equal(trace?.['type'], 'transaction');
    assert.equal(trace?.['transaction'], 'GET /v1/proxy/blob/:key');
    assert.deepEqual([trace?.['start_timestamp'], trace?.['timestamp']], [end - 0.25, end]);
    assert.deepEqual(trace?.tags, { requestId: 'r1' });
    const { op, status, data } = traceContext(trace);
    assert.deepEqual([op, status], ['http.server', 'ok']);
    assert.deepEqual(data, {
      'http.request.method': 'GET',
      'http.route': '/v1/proxy/blob/:key',
      'http.response.status_code': 200,
      'sentry.sample_rate': 0.6,
    });
    assert.equal(traceContext(aborted).status, 'cancelled');
  });

  test('is none otherwise', async () => {
    for (const tracesSampleRate of [0, 0.4]) {
      const sent = new Sent();
      const reports = await sent.open({ tracesSampleRate });
      reports.trace(REQUEST);
      await reports.close();
      assert.deepEqual(sent.bodies, []);
    }
  });

  test('is one of ten a second at most, and so is an error', async () => {
    const sent = new Sent();
    const reports = await sent.open({ tracesSampleRate: 1 });
    const flood = (): void => {
      for (let n = 0; n < 30; n++) {
        reports.trace(REQUEST);
        reports.report({ error: new Error(`${n}`), message: 'failed', level: 'error' });
      }
    };
    flood();
    sent.clock.advance(1000);
    flood();
    await reports.close();
    assert.equal(sent.bodies.length, 40);
  });
});

describe('the end', () => {
  test('waits two seconds for what hangs, and no longer', async () => {
    const sent = new Sent();
    const reports = await sent.open(
      {},
      (_url, _body, signal) =>
        new Promise((_, refuse) => signal.addEventListener('abort', () => refuse(signal.reason))),
    );
    reports.report({ error: new Error('one'), message: 'failed', level: 'error' });
    const closed = reports.close();
    assert.ok(sent.clock.isWaitedFor(2000));
    sent.clock.advance(2000);
    await closed;
  });

  test('is none for whoever logs on', async () => {
    const sent = new Sent();
    const reports = await sent.open();
    await reports.close();
    reports.report({ error: new Error('late'), message: 'failed', level: 'error' });
    reports.trace(REQUEST);
    await reports.close();
    assert.deepEqual(sent.bodies, []);
  });
});

test('Sentry that refuses or cannot be reached is nobody’s trouble', async () => {
  const sent = new Sent();
  const answers: PostEnvelope[] = [
    () => Promise.reject(new TypeError('fetch failed')),
    async () => ({ ...OK, statusCode: 500 }),
    async () => ({ ...OK, statusCode: 429 }),
  ];
  const reports = await sent.open({}, (...given) => (answers.shift() ?? (async () => OK))(...given));
  for (const word of ['one', 'two', 'three']) {
    reports.report({ error: new Error(word), message: 'failed', level: 'error' });
    await new Promise(setImmediate);
  }
  await new Promise(setImmediate);
  reports.report({ error: new Error('four'), message: 'failed', level: 'error' });
  await reports.close();
  assert.equal(sent.bodies.length, 3); // after a 429 it is left alone
});

describe('a start that cannot report', () => {
  for (const dsn of [
    'nonsense',
    'https://sentry.example/1',
    'https://key@sentry.example/',
    'ftp://key@host/1',
  ])
    test(`refuses ${dsn}, which it does not repeat`, async () => {
      await assert.rejects(new Sent().open({ dsn: new Secret(dsn) }), (error: VelocityError) => {
        assert.deepEqual([error.code, error.isMisuse], ['SENTRY_UNAVAILABLE', true]);
        return !error.message.includes(dsn);
      });
    });

  test('says in one sentence what to install', async () => {
    const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    await assert.rejects(
      loadSentry(() => Promise.reject(missing)),
      {
        code: 'SENTRY_UNAVAILABLE',
        message: `sentry.dsn is set, but the package that reports to it is not installed: install it beside velocitycache with npm install '${SENTRY_PACKAGE}'.`,
      },
    );
  });

  test('names the release that package.json does', () => {
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
    assert.equal(SENTRY_PACKAGE, `@sentry/core@${manifest.peerDependencies['@sentry/core']}`);
  });
});

function traceContext(event: SentEvent | undefined) {
  assert.ok(event);
  return (event['contexts'] as { trace: { op: string; status: string; data: unknown } }).trace;
}
