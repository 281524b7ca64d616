import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { text } from '../../config/kinds.ts';
import { proxyFlagOf, spellOut } from './proxy-flags.ts';

describe('short flags', () => {
  test('are spelled out, of one letter and of several', () => {
    assert.deepEqual(spellOut(['-h', '0.0.0.0', '-p', '9090', '-b', 'a.org', '-cmc', '5']), [
      ...['--host', '0.0.0.0', '--port', '9090'],
      ...['--backend', 'a.org', '--cache-max-capacity', '5'],
    ]);
    assert.deepEqual(spellOut(['-w', 'a.wasm', '-wpp', 'b.wasm', '-wps', '4']), [
      ...['--wasm-policy-path', 'a.wasm', '--wasm-policy-path', 'b.wasm', '--wasm-pool-size', '4'],
    ]);
  });

  test('may hold their value', () => {
    assert.deepEqual(spellOut(['-p9090', '-p=9091', '-wps=4', '-cmc500', '-w./a=b.wasm', '-b=']), [
      ...['--port=9090', '--port=9091', '--wasm-pool-size=4', '--cache-max-capacity=500'],
      ...['--wasm-policy-path=./a=b.wasm', '--backend='],
    ]);
  });

  test('are not looked for in values and in long flags', () => {
    const args = ['--config', '-p.yml', '--host=-h', '--help', 'x', '--'];
    assert.deepEqual(spellOut(args), args);
    assert.deepEqual(spellOut(['--help', '-p', '-h']), ['--help', '--port', '-h']);
    assert.deepEqual(spellOut(['-x', '-p']), ['-x', '-p']);
  });
});

test('the flags of velocity proxy are those of velocity, else its settings without their section', () => {
  const flags = [
    'proxy.port',
    'proxy.tls.key',
    'proxy.max_entries',
    'proxy.policy.path',
    'log.level',
    'port',
  ];
  assert.deepEqual(
    flags.map((key) => proxyFlagOf({ key, kind: text(), doc: '' })),
    ['--port', '--tls-key', '--cache-max-capacity', '--wasm-policy-path', '--log-level', undefined],
  );
});
