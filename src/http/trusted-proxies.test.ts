import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { TrustedProxies } from './trusted-proxies.ts';

function request(remoteAddress: string | undefined, forwarded?: string) {
  return {
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as Pick<IncomingMessage, 'socket' | 'headers'>;
}

const proxies = new TrustedProxies(['10.0.0.0/8', '2001:db8:ffff::/48']);

test('without trusted proxies the other end of the connection is the client, whatever a header says', () => {
  const none = new TrustedProxies();
  assert.equal(none.clientOf(request('192.0.2.7', '198.51.100.1')), '192.0.2.7');
  assert.equal(none.clientOf(request('::ffff:192.0.2.7')), '192.0.2.7');
});

test('a header that comes from elsewhere than a trusted proxy is not read', () => {
  assert.equal(proxies.clientOf(request('192.0.2.7', '198.51.100.1')), '192.0.2.7');
});

test('behind trusted proxies the client is the last address that is none of theirs', () => {
  for (const [forwarded, client] of [
    ['198.51.100.1', '198.51.100.1'],
    ['198.51.100.1, 10.2.3.4', '198.51.100.1'],
    ['198.51.100.1,10.2.3.4,2001:DB8:FFFF::9', '198.51.100.1'],
    ['::ffff:198.51.100.1', '198.51.100.1'],
  ] as const)
    assert.equal(proxies.clientOf(request('10.1.1.1', forwarded)), client, forwarded);
  assert.equal(proxies.clientOf(request('::ffff:10.1.1.1', '198.51.100.1')), '198.51.100.1');
});

test('what a client wrote before its own address is not believed', () => {
  assert.equal(proxies.clientOf(request('10.1.1.1', '203.0.113.9, 198.51.100.1')), '198.51.100.1');
  assert.equal(proxies.clientOf(request('10.1.1.1', '10.9.9.9, 198.51.100.1, 10.2.3.4')), '198.51.100.1');
});

test('where only trusted proxies are named, the first of them is the client', () => {
  assert.equal(proxies.clientOf(request('10.1.1.1')), '10.1.1.1');
  assert.equal(proxies.clientOf(request('10.1.1.1', '10.3.3.3, 10.2.2.2')), '10.3.3.3');
});

test('the port beside an address makes no other client of it', () => {
  assert.equal(proxies.clientOf(request('10.1.1.1', '198.51.100.1:4711')), '198.51.100.1');
  assert.equal(proxies.clientOf(request('10.1.1.1', '[2001:db8::1]:4711')), '2001:db8::1');
  assert.equal(proxies.clientOf(request('10.1.1.1', '[2001:db8::1]')), '2001:db8::1');
});

test('what is no address is not a client: the proxy that wrote it is', () => {
  for (const forwarded of ['unknown', '198.51.100.1, unknown', '', ' ', 'a'.repeat(5000), ','])
    assert.equal(proxies.clientOf(request('10.1.1.1', forwarded)), '10.1.1.1', forwarded);
});

test('a connection that is gone already has a client too', () => {
  assert.equal(proxies.clientOf(request(undefined)), '0.0.0.0');
});

test('a trusted proxy is known by its connection alone', () => {
  assert.equal(proxies.isPeer(request('::ffff:10.1.1.1')), true);
  assert.equal(proxies.isPeer(request('192.0.2.7', '10.1.1.1')), false);
  assert.equal(proxies.isPeer(request(undefined)), false);
  assert.equal(new TrustedProxies().isPeer(request('10.1.1.1')), false);
});
