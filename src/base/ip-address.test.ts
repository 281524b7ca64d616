import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { AddressRanges, hostNetwork, parseAddressRange, parseIpAddress } from './ip-address.ts';

test('an address has one way to be written', () => {
  const written: [string, string][] = [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::', '::'],
  ];
  for (const [text, address] of written) assert.equal(parseIpAddress(text), address, text);
});

test('what is not an address is refused', () => {
  for (const text of [
    '',
    'unknown',
    '192.0.2',
    '192.0.2.07',
    '192.0.2.7:80',
    '[::1]',
    '1::2::3',
    'localhost',
  ])
    assert.equal(parseIpAddress(text), undefined, text);
});

test('an IPv6 host is its /64, an IPv4 host its address', () => {
  const networks: [string, string][] = [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1:2:3:4:5:6:102:304', '1:2:3:4::/64'],
    ['::', '0:0:0:0::/64'],
  ];
  for (const [address, network] of networks) assert.equal(hostNetwork(address), network, address);
});

test('two IPv6 addresses have one network exactly where their first 64 bits are equal', () => {
  const group = fc.oneof(fc.constant(0), fc.nat({ max: 0xffff }));
  const spell = (groups: readonly number[]): string => groups.map((each) => each.toString(16)).join(':');
  const four = fc.array(group, { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(four, four, four, four, (net, host, otherNet, otherHost) => {
      const network = (first: number[], last: number[]): string => {
        const address = parseIpAddress(spell([...first, ...last])) ?? '';
        fc.pre(isIP(address) === 6);
        return hostNetwork(address);
      };
      assert.equal(network(net, host), network(net, otherHost));
      assert.equal(network(net, host) === network(otherNet, host), spell(net) === spell(otherNet));
    }),
  );
});

test('a range is an address with a length that fits its kind', () => {
  assert.deepEqual(parseAddressRange('10.0.0.0/8'), { address: '10.0.0.0', prefix: 8 });
  assert.deepEqual(parseAddressRange('192.0.2.7'), { address: '192.0.2.7', prefix: 32 });
  assert.deepEqual(parseAddressRange('2001:db8::/32'), { address: '2001:db8::', prefix: 32 });
  assert.deepEqual(parseAddressRange('::ffff:10.0.0.0/104'), { address: '10.0.0.0', prefix: 8 });
  for (const text of ['', '/8', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '10.0.0.0/8/8', '::/129', '10/8'])
    assert.equal(parseAddressRange(text), undefined, text);
});

test('ranges hold what lies in one of them, of either kind', () => {
  const ranges = new AddressRanges(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1']);
  for (const address of ['10.1.2.3', '192.0.2.7', '2001:db8:9::1', '::1'])
    assert.ok(ranges.has(address), address);
  for (const address of ['11.0.0.1', '192.0.2.8', '2001:db9::1', '::2'])
    assert.ok(!ranges.has(address), address);
});
