import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VelocityError } from '../../../base/errors.ts';
import { RcloneRefusal, RcloneUnreachable, toFailure, withoutSecrets } from './rclone-failure.ts';

function failureOf(error: unknown, secrets: readonly string[] = []): VelocityError {
  const failure = toFailure('read a', error, secrets);
  assert.ok(failure instanceof VelocityError);
  return failure;
}

test('what a second try may change is unavailable, what the remote refuses has failed, a full one is full', () => {
  const cases: [number, string, string][] = [
    [500, 'dial tcp 127.0.0.1:1: connect: connection refused', 'STORAGE_UNAVAILABLE'],
    [500, "couldn't list files: 503 Service Unavailable", 'STORAGE_UNAVAILABLE'],
    [500, "couldn't list files: 401 Unauthorized", 'STORAGE_FAILED'],
    [500, 'AccessDenied: \n\tstatus code: 403, request id: 1', 'STORAGE_FAILED'],
    [500, 'ssh: handshake failed: unable to authenticate', 'STORAGE_FAILED'],
    [500, "didn't find section in config file", 'STORAGE_FAILED'],
    [500, 'open /data/a: permission denied', 'STORAGE_FAILED'],
    [400, 'parameter "fs" not found', 'STORAGE_FAILED'],
    [500, 'write /data/a: no space left on device', 'STORAGE_FULL'],
    [500, 'googleapi: storageQuotaExceeded', 'STORAGE_FULL'],
  ];
  for (const [status, said, code] of cases)
    assert.equal(failureOf(new RcloneRefusal(status, said)).code, code, said);
  const cut = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const unreachable = failureOf(new RcloneUnreachable(cut));
  assert.equal(unreachable.code, 'STORAGE_UNAVAILABLE');
  assert.match(unreachable.message, /Could not read a: rclone cannot be reached \(ECONNRESET\)\./);
});

test('what a body threw, and what is ours already, stays what it is', () => {
  for (const error of [new Error('the body broke off'), new VelocityError('BODY_TRUNCATED', 'short')])
    assert.equal(toFailure('store a', error, []), error);
});

test('words of the backend are in the cause alone, without secrets', () => {
  const said = '401 for user "alice" with s3cr3t: Get "https://alice:pw@host/a?sig=abc&x=1": refused';
  const failure = failureOf(new RcloneRefusal(500, said), ['s3cr3t', 'x']);
  assert.ok(!failure.message.includes('alice'));
  assert.equal(
    (failure.cause as Error).message,
    '401 for user "alice" with ***: Get "https://***@host/a?***": refused',
  );
});

test('a text without secrets and URLs stays what it is', () => {
  for (const text of ['', 'object not found', 'a@b?c', 'see https://rclone.org/docs/']) {
    assert.equal(withoutSecrets(text, ['', 'abc', 'hidden']), text);
  }
});
