import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { type AuditEvent, AuditLog } from './audit-log.ts';
import { openLogger } from './logger.ts';

const NOW = Date.UTC(2026, 0, 1);
const EVENT: AuditEvent = {
  who: 'ops',
  action: 'delete',
  key: 'objects/a\nb',
  result: 'begun',
  requestId: 'r1',
  address: '192.0.2.1',
};

async function open() {
  const folder = await openTempFolder();
  const logged: string[] = [];
  const logger = openLogger('info', { write: (line) => void logged.push(line) });
  const path = join(folder.path, 'audit.jsonl');
  return {
    path,
    logged,
    log: (at: string | undefined = path) => new AuditLog(at, new ManualClock(NOW), logger),
    lines: (at = path): unknown[] =>
      readFileSync(at, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as unknown),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test('each event is a line of JSON with its instant, after those that are there', async () => {
  await using opened = await open();
  opened.log().record(EVENT);
  opened.log().record({ ...EVENT, result: 'done' });
  const at = '2026-01-01T00:00:00.000Z';
  assert.deepEqual(opened.lines(), [
    { at, ...EVENT },
    { at, ...EVENT, result: 'done' },
  ]);
  assert.equal(statSync(opened.path).mode & 0o777, 0o600);
});

test('a file that is rotated is begun anew', async () => {
  await using opened = await open();
  const log = opened.log();
  log.record(EVENT);
  renameSync(opened.path, `${opened.path}.1`);
  log.record({ ...EVENT, result: 'done' });
  assert.equal(opened.lines(`${opened.path}.1`).length, 1);
  assert.equal(opened.lines().length, 1);
});

test('without a file the events are in the log', async () => {
  await using opened = await open();
  new AuditLog(
    undefined,
    new ManualClock(NOW),
    openLogger('info', { write: (line) => void opened.logged.push(line) }),
  ).record(EVENT);
  assert.deepEqual((JSON.parse(opened.logged[0] ?? '') as { audit: unknown }).audit, EVENT);
});

test('without a file the events are in the log at any level of it but silent', () => {
  for (const [level, lines] of [
    ['warn', 1],
    ['error', 1],
    ['silent', 0],
  ] as const) {
    const logged: string[] = [];
    const logger = openLogger(level, { write: (line) => void logged.push(line) });
    new AuditLog(undefined, new ManualClock(NOW), logger).record(EVENT);
    assert.equal(logged.length, lines, level);
  }
});

test('a file that cannot be written is refused at the start, with its name', async () => {
  await using opened = await open();
  mkdirSync(opened.path);
  assert.throws(() => opened.log(), {
    code: 'AUDIT_UNAVAILABLE',
    message: /audit\.jsonl cannot be written: EISDIR.*VC_AUDIT_FILE/,
  });
});

test('an event that cannot be written is an error that names no file, and the event is in the log', async () => {
  await using opened = await open();
  const log = opened.log();
  rmSync(opened.path);
  mkdirSync(opened.path);
  chmodSync(opened.path, 0o700);
  assert.throws(
    () => log.record(EVENT),
    (error: Error & { code?: string }) =>
      error.code === 'AUDIT_UNAVAILABLE' && !error.message.includes(opened.path),
  );
  assert.deepEqual((JSON.parse(opened.logged[0] ?? '') as { audit: unknown }).audit, EVENT);
});

test('what was done is not called undone for that its end cannot be written; the log has it', async () => {
  await using opened = await open();
  const log = opened.log();
  rmSync(opened.path);
  mkdirSync(opened.path);
  for (const result of ['done', 'absent', 'failed'] as const) log.record({ ...EVENT, result });
  const results = opened.logged.map((line) => (JSON.parse(line) as { audit: AuditEvent }).audit.result);
  assert.deepEqual(results, ['done', 'absent', 'failed']);
});

test('a file that cannot be brought to the disk is refused at the start, not at the first deletion', () => {
  const logger = openLogger('silent');
  assert.throws(() => new AuditLog('/dev/null', new ManualClock(NOW), logger), {
    code: 'AUDIT_UNAVAILABLE',
    message: /\/dev\/null cannot be written: EINVAL/,
  });
});
