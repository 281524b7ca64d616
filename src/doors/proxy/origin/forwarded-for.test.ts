import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { TrustedProxies } from '../../../http/trusted-proxies.ts';
import { forwardedFor } from './forwarded-for.ts';

const from = (remoteAddress?: string) => ({ remoteAddress }) as IncomingMessage['socket'];
const trusted = new TrustedProxies(['10.0.0.0/8', '::1']);

test('every spelling of a claim is left out where nobody is believed', () => {
  const claims = ['X-FORWARDED-Server', 'x', 'X_Forwarded_For', 'x', 'x-real_ip', 'x', 'forwarded', 'for=x'];
  const fields = forwardedFor(['X-Far', '1', ...claims], 'a', from('192.0.2.7'), trusted);
  const written = ['X-Forwarded-For', '192.0.2.7', 'X-Forwarded-Host', 'a', 'X-Forwarded-Proto', 'http'];
  assert.deepEqual(fields, ['X-Far', '1', ...written]);
});

test('several lines of a trusted proxy are one list, and an IPv6 address is quoted in Forwarded', () => {
  const said = ['X-Forwarded-For', '192.0.2.1', 'x-forwarded-for', '10.1.1.1', 'Forwarded', 'for=192.0.2.1'];
  const fields = forwardedFor([...said, 'X-Real-IP', '192.0.2.1'], 'a:81', from('::1'), trusted);
  assert.deepEqual(fields, [
    ...['X-Real-IP', '192.0.2.1'],
    ...['X-Forwarded-For', '192.0.2.1, 10.1.1.1, ::1'],
    ...['X-Forwarded-Host', 'a:81'],
    ...['X-Forwarded-Proto', 'http'],
    ...['Forwarded', 'for=192.0.2.1, for="[::1]";host="a:81";proto=http'],
  ]);
});

test('TLS is told, and so is that nobody knows who asks', () => {
  const socket = { ...from(undefined), encrypted: true } as unknown as IncomingMessage['socket'];
  const written = ['X-Forwarded-For', 'unknown', 'X-Forwarded-Host', 'a', 'X-Forwarded-Proto', 'https'];
  assert.deepEqual(forwardedFor([], 'a', socket, trusted), written);
});
