import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../base/secret.ts';
import { type LoggedError, type Logger, type LogLevel, openLogger } from './logger.ts';

/** What was logged, line by line. */
function logged(level: LogLevel, log: (logger: Logger) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  log(openLogger(level, { write: (line) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a line is JSON with the level’s name, the time in ISO 8601 and the message', () => {
  const [line] = logged('info', (logger) => logger.info({ requestId: 'x' }, 'request'));
  const { time, ...rest } = line ?? {};
  assert.deepEqual(rest, { level: 'info', requestId: 'x', message: 'request' });
  assert.equal(new Date(String(time)).toISOString(), time);
});

test('lines below the level are not written, and silent writes none', () => {
  const all = (logger: Logger): void => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level);
  };
  assert.deepEqual(
    logged('warn', all).map(({ message }) => message),
    ['warn', 'error'],
  );
  assert.deepEqual(logged('silent', all), []);
});

test('tokens, secrets and signatures are masked in what is logged and one level below', () => {
  const [line] = logged('info', (logger) =>
    logger.info({
      token: 'S1',
      secret: 'S2',
      sig: 'S3',
      authorization: 'S4',
      headers: { authorization: 'S5', host: 'kept' },
      query: { sig: 'S6', exp: 'kept' },
      auth: { token: 'S7', secret: 'S8' },
    }),
  );
  assert.doesNotMatch(JSON.stringify(line), /S\d/);
  assert.deepEqual(line?.['headers'], { authorization: '***', host: 'kept' });
});

test('what is bound to a child logger is masked too', () => {
  const lines = logged('info', (logger) =>
    logger.child({ token: 'S1', auth: { secret: 'S2' } }).info('request'),
  );
  assert.doesNotMatch(JSON.stringify(lines), /S\d/);
});

test('what an error carries besides its message is masked', () => {
  const error = Object.assign(new Error('failed'), { authorization: 'S1' });
  assert.doesNotMatch(JSON.stringify(logged('info', (logger) => logger.error({ err: error }))), /S\d/);
});

test('a secret is masked wherever it is', () => {
  const deep = { a: { b: { c: [new Secret('do-not-show')] } } };
  assert.doesNotMatch(JSON.stringify(logged('info', (logger) => logger.info(deep))), /do-not-show/);
});

test('whoever listens is told of each line of an error that carries one, once it is written', () => {
  const told: (LoggedError & { readonly lines: number })[] = [];
  const lines: string[] = [];
  const logger = openLogger('info', { write: (line) => void lines.push(line) }, (line) =>
    told.push({ ...line, lines: lines.length }),
  );
  const [one, two, three] = ['one', 'two', 'three'].map((word) => new Error(word));
  logger.error({ requestId: 'r1', err: one }, 'a request failed');
  logger.child({ store: 'media' }).fatal({ err: two });
  logger.error(three);
  logger.error({ reason: 'four' }, 'no error');
  logger.error('five');
  logger.warn({ err: one }, 'less');
  assert.equal(lines.length, 6);
  assert.deepEqual(told, [
    { error: one, message: 'a request failed', level: 'error', requestId: 'r1', lines: 1 },
    { error: two, message: '', level: 'fatal', lines: 2 },
    { error: three, message: '', level: 'error', lines: 3 },
  ]);
});

test('of lines that are not written nobody is told', () => {
  const told: unknown[] = [];
  openLogger('silent', undefined, (line) => told.push(line)).error({ err: new Error('one') });
  assert.deepEqual(told, []);
});
