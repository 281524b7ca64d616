import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeMistake } from '../../config/mistake.ts';
import { resolveSettings } from '../../config/resolve-settings.ts';
import { withSectionAliases } from '../../config/section-alias.ts';
import { parseYaml } from '../../config/yaml-file.ts';
import { offloadOptionsOf } from './open-build-offload.ts';
import { offloadMistakes, offloadSettings } from './settings.ts';

/** As the README of velox-middleware has it. */
const SEED = `
velox:
  server_url: "http://127.0.0.1:9000"
  build_timeout: "5m"
  request_timeout: "180s"
  retry:
    max_attempts: 3
    initial_delay: "1s"
    max_delay: "10s"
    backoff_multiplier: 2.0
  cache:
    enabled: true
    directory: "/var/cache/velox"
    max_size_gb: 50
    max_entries: 1000
    max_age_days: 30
    cleanup_interval: "1h"
    eviction_policy: "lru"
    access_update_interval: "5m"
`;

function resolve(yaml: string) {
  const read = parseYaml('velox.yml', yaml, {});
  assert.ok(read.ok);
  const file = withSectionAliases(read.value, { velox: 'builds' });
  assert.ok(file.ok);
  return resolveSettings(offloadSettings, { flags: new Map(), env: {}, files: [file.value] });
}

function optionsOf(yaml: string) {
  const resolved = resolve(yaml);
  assert.ok(resolved.ok, JSON.stringify(resolved));
  return offloadOptionsOf(resolved.value.values);
}

test('the section of velox-middleware is understood as it stands', () => {
  assert.deepEqual(optionsOf(SEED), {
    serverUrl: 'http://127.0.0.1:9000',
    token: undefined,
    buildTimeoutMs: 300_000,
    requestTimeoutMs: 180_000,
    outputFolders: undefined,
    retry: { maxAttempts: 3, initialDelayMs: 1_000, maxDelayMs: 10_000, backoffMultiplier: 2 },
    cache: {
      directory: '/var/cache/velox',
      maxSizeGb: 50,
      maxEntries: 1000,
      maxAgeDays: 30,
      cleanupIntervalMs: 3600_000,
      evictionPolicy: 'lru',
      accessUpdateIntervalMs: 300_000,
    },
  });
});

test('intervals may be 0; without `enabled` nothing is kept, and without a server nothing is built', () => {
  const off = optionsOf(SEED.replace('"1h"', '0'));
  assert.equal(off?.cache?.cleanupIntervalMs, 0);
  assert.equal(optionsOf('builds: { server_url: "http://b:1" }')?.cache, undefined);
  assert.equal(optionsOf(''), undefined);
});

test('what cannot be is a mistake with its place', () => {
  for (const [given, wrong] of [
    ['"lru"', 's3-fifo'],
    ['2.0', '0.5'],
    ['max_attempts: 3', 'max_attempts: 0'],
    ['server_url: "http://127.0.0.1:9000"', 'server_url: "here"'],
  ] as const) {
    const resolved = resolve(SEED.replace(given, wrong));
    assert.ok(!resolved.ok, wrong);
    assert.match(resolved.mistakes.map(describeMistake).join(), /velox\.yml:\d+/);
  }
  const relative = resolve('velox: { output_folders: [builds] }');
  assert.ok(!relative.ok);
});

test('without a build server, what else is said of builds is a mistake, and tells what is missing', () => {
  const resolved = resolve(SEED.replace(/.*server_url.*/, '').replace(/.*enabled.*/, ''));
  assert.ok(resolved.ok);
  const mistakes = offloadMistakes(resolved.value).map(describeMistake);
  assert.equal(mistakes.length, 1);
  assert.match(mistakes.join(), /^velox\.yml:4:.*builds\.build_timeout: .*builds\.server_url/);
  for (const yaml of [SEED, '']) {
    const right = resolve(yaml);
    assert.ok(right.ok);
    assert.deepEqual(offloadMistakes(right.value), []);
  }
});
