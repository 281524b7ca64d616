import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeMistake } from '../../../config/mistake.ts';
import { resolveNamed } from '../../../config/resolve-named.ts';
import { parseYaml } from '../../../config/yaml-file.ts';
import { backendSettings } from './backend-settings.ts';
import { readBackends } from './read-backends.ts';

function read(backends: readonly string[], env: NodeJS.ProcessEnv = {}, hasDefault = false) {
  const parsed = parseYaml('a.yml', `proxy:\n  backends:\n    ${backends.join('\n    ')}\n`, {});
  assert.ok(parsed.ok);
  const given = resolveNamed(backendSettings, { flags: new Map(), env, files: [parsed.value] });
  return given.ok ? readBackends(given.value, hasDefault) : given;
}

function mistakesOf(...backends: readonly string[]): string[] {
  const checked = read(backends);
  return checked.ok ? [] : checked.mistakes.map(describeMistake);
}

describe('backends', () => {
  test('have servers, hosts and a path, and are told their own host', () => {
    const checked = read(
      ['api: { url: [api-1:8443, api-2], hosts: "API.example.org, *.b.org", path: /v1/ }'],
      {
        VC_PROXY_BACKENDS__all__URL: 'localhost:3000',
        VC__PROXY__BACKENDS__all__PASS_HOST: 'true',
      },
    );
    assert.ok(checked.ok);
    const [api, all] = checked.value;
    assert.deepEqual(api?.servers, ['https://api-1:8443', 'https://api-2']);
    assert.deepEqual(api?.hosts, ['api.example.org', '*.b.org']);
    assert.equal(api?.path, '/v1');
    assert.equal(api?.host, 'api-1:8443');
    assert.equal(api?.probe, undefined);
    assert.deepEqual(all?.servers, ['http://localhost:3000']);
    assert.equal(all?.hosts, undefined);
    assert.equal(all?.path, '');
    assert.equal(all?.host, undefined);
  });

  test('without a scheme are encrypted, unless they are on this machine', () => {
    const urls = [
      'example.org',
      'app:3000',
      '127.0.0.1:1',
      '[::1]:1',
      'http://example.org',
      'https://localhost',
    ];
    const checked = read([`a: { url: ${JSON.stringify(urls.slice(0, 2))} }`]);
    assert.deepEqual(checked.ok && checked.value[0]?.servers, ['https://example.org', 'https://app:3000']);
    const here = read([`a: { url: ${JSON.stringify(urls.slice(2, 5))} }`]);
    assert.deepEqual(here.ok && here.value[0]?.servers, [
      'http://127.0.0.1:1',
      'http://[::1]:1',
      'http://example.org',
    ]);
  });

  test('are probed where an address for that is given', () => {
    const checked = read([
      'a: { url: a.org, probe_path: /up?full, probe_status: "200, 204", probe_window: 4 }',
    ]);
    assert.deepEqual(checked.ok && checked.value[0]?.probe, {
      target: '/up?full',
      interval: 5_000,
      timeout: 2_000,
      expected: [
        { first: 200, last: 200 },
        { first: 204, last: 204 },
      ],
      window: 4,
      threshold: 3,
    });
  });

  test('are mistakes where they cannot be, each where it stands', () => {
    assert.deepEqual(mistakesOf('a:', 'b: { url: "ftp://x" }', 'c: { ulr: x, url: y }'), [
      'a.yml:3:5: proxy.backends.a: url is missing: say where this backend is',
      'a.yml:4:15: proxy.backends.b.url: expected a URL that begins with http:// or https://, or a host and port such as minio:9000; or several with commas between them, found "ftp://x"',
      'a.yml:5:10: unknown key "proxy.backends.c.ulr" (did you mean "url"?)',
    ]);
    assert.deepEqual(mistakesOf('a: { url: "https://x/api" }'), [
      'a.yml:3:15: proxy.backends.a.url: "https://x/api" holds more than a host and port; the paths it is for are `path`',
    ]);
    assert.deepEqual(mistakesOf('a: { url: x, hosts: "a.org:80, *", path: api }'), [
      'a.yml:3:25: proxy.backends.a.hosts: expected hosts such as example.org or *.example.org, found "a.org:80"',
      'a.yml:3:25: proxy.backends.a.hosts: expected hosts such as example.org or *.example.org, found "*"',
      'a.yml:3:46: proxy.backends.a.path: expected a path such as /api, found "api"',
    ]);
    assert.deepEqual(
      mistakesOf('a: { url: x, host: "a b" }', 'b: { url: y, path: /b, host: b, pass_host: true }'),
      [
        'a.yml:3:24: proxy.backends.a.host: expected a host with or without a port, found "a b"',
        'a.yml:4:48: proxy.backends.b.pass_host: host says another one: leave one of them out',
      ],
    );
    assert.deepEqual(mistakesOf('a: { url: x, probe_path: up, probe_threshold: 9, probe_interval: 1ms }'), [
      'a.yml:3:30: proxy.backends.a.probe_path: expected a path such as /health, found "up"',
      'a.yml:3:51: proxy.backends.a.probe_threshold: 9 of the latest 8 can never be good',
      'a.yml:3:70: proxy.backends.a.probe_interval: is less than 100ms',
    ]);
  });

  test('of TLS have a certificate with its key, and nothing that would not be heeded', () => {
    assert.deepEqual(mistakesOf('a: { url: x, tls_certificate: c.pem }'), [
      'a.yml:3:5: proxy.backends.a.tls_key: is missing beside tls_certificate',
    ]);
    assert.deepEqual(mistakesOf('a: { url: x, tls_ca: ca.pem, tls_verify: false }'), [
      'a.yml:3:46: proxy.backends.a.tls_verify: tls_ca says what to verify with: leave one of them out',
    ]);
    assert.deepEqual(mistakesOf('a: { url: "http://x", tls_ca: ca.pem }'), [
      'a.yml:3:35: proxy.backends.a.tls_ca: url is not https, so this would not be heeded',
    ]);
  });

  test('are for different hosts or paths, and none is called as that of proxy.backend', () => {
    assert.deepEqual(
      mistakesOf('a: { url: x, hosts: b.org, path: /p }', 'b: { url: y, hosts: "a.org,B.org", path: /p/ }'),
      ['a.yml:4:46: proxy.backends.b.path: a is for b.org/p/ already'],
    );
    assert.deepEqual(mistakesOf('a: { url: x }', 'b: { url: y }'), [
      'a.yml:4:5: proxy.backends.b.path: a is for all hosts and / already',
    ]);
    const checked = read(['default: { url: x, hosts: a.org }'], {}, true);
    assert.deepEqual(checked.ok ? [] : checked.mistakes.map(describeMistake), [
      'a.yml:3:5: "default" is the name of proxy.backend: leave one of them out',
    ]);
  });
});
