import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { opensBuildCache, presignPublicKeyOf } from '../auth/settings.ts';
import { describeMistake } from '../config/mistake.ts';
import { settingsSchema } from '../config/settings-schema.ts';
import { storeSettings } from '../storage/bucket-settings.ts';
import {
  type LoadedSettings,
  loadProxySettings,
  loadServerSettings,
  loadStorageSettings,
} from './load-settings.ts';
import { serverSectionAliases, serverSettings } from './settings.ts';

const PUBLIC_KEY = 'PfIG9MO7yrSFq4DNs7GPFC4CticILjGtqpoh43p3ipE';
const PRIVATE_KEY = 'NC7y4q2_rmnWBhlnEo34B9FddA0DkGlu7XGOs76bZn8';
const OTHER_KEY = 'BK_ZpYRPLKZHUGbINSDSUPIkp5BmAERzhIIpahqHAcY';

/** The example of cachegate's README, as it stands, with keys that are some. */
const CACHEGATE_YAML = `listen: "0.0.0.0:8080"

auth:
  public_key: "${PUBLIC_KEY}"
  private_key: "${PRIVATE_KEY}"
  bearer_token: "OPTIONAL_STATIC_TOKEN"

cache:
  max_memory: 1GiB
  max_object_size: 64MiB
  # Optional: enable disk tier (Foyer). Omit or set to 0 for memory-only.
  # max_disk: 1GiB
  # disk_path: "/var/lib/cachegate/cache"

sentry:
  dsn: null
  environment: null
  release: null
  traces_sample_rate: 0.1
  debug: false

stores:
  media-s3:
    type: s3
    bucket: "my-bucket"
    region: "us-east-1"
    access_key: "AKIA..."
    secret_key: "..."
    endpoint: null
    allow_http: false
  assets-azure:
    type: azure
    container: "assets"
    connection_string: "DefaultEndpointsProtocol=https;AccountName=my-account;AccountKey=...;EndpointSuffix=core.windows.net"
`;

/** The example of its environment, as it stands. */
const CACHEGATE_ENV = {
  CACHEGATE__LISTEN: 'localhost:9010',
  CACHEGATE__STORES__minio__type: 's3',
  CACHEGATE__STORES__minio__endpoint: 'localhost:9305',
  CACHEGATE__STORES__minio__access_key: 'minioadmin',
  CACHEGATE__STORES__minio__secret_key: 'minioadmin',
  CACHEGATE__STORES__minio__region: 'us-east-1',
  CACHEGATE__STORES__minio__bucket: 'cachegate',
  CACHEGATE__STORES__assets__type: 'azure',
  CACHEGATE__STORES__assets__container: 'assets',
  CACHEGATE__STORES__assets__CONNECTION_STRING:
    'DefaultEndpointsProtocol=https;AccountName=my-account;AccountKey=...;EndpointSuffix=core.windows.net',
  CACHEGATE__AUTH__PUBLIC_KEY: PUBLIC_KEY,
  CACHEGATE__AUTH__PRIVATE_KEY: PRIVATE_KEY,
  CACHEGATE__AUTH__BEARER_TOKEN: 'cachegate-secret',
  CACHEGATE__CACHE__MAX_MEMORY: '512MiB',
  CACHEGATE__CACHE__MAX_OBJECT_SIZE: '64MiB',
} as const;

interface Given {
  readonly yaml?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly flags?: Readonly<Record<string, string>>;
  readonly fromEnv?: boolean;
}

async function check({ yaml, env = {}, flags = {}, fromEnv = false }: Given) {
  await using folder = await openTempFolder();
  const path = join(folder.path, 'config.yaml');
  if (yaml !== undefined) await writeFile(path, yaml);
  const configFiles = yaml === undefined ? [] : [path];
  const loaded = loadServerSettings({ flags: new Map(Object.entries(flags)), env, configFiles, fromEnv });
  if (loaded.ok) return { loaded: loaded.value, mistakes: [] };
  return {
    mistakes: loaded.mistakes.map((mistake) => describeMistake(mistake).replaceAll(`${folder.path}/`, '')),
  };
}

async function load(given: Given): Promise<LoadedSettings> {
  const { loaded, mistakes } = await check(given);
  assert.ok(loaded, mistakes.join('\n'));
  return loaded;
}

async function mistakesOf(given: Given): Promise<readonly string[]> {
  const { mistakes } = await check(given);
  assert.ok(mistakes.length > 0, 'there are mistakes');
  return mistakes;
}

/** A file of one store, with whatever else. */
function withStore(more: string): string {
  return `${more}\nstores: { media: { type: local, root: /srv } }\n`;
}

test('a configuration of cachegate loads as it stands', async () => {
  const { values, stores } = await load({ yaml: CACHEGATE_YAML });
  assert.deepEqual([values.host, values.port], ['0.0.0.0', 8080]);
  assert.deepEqual([values.cacheMaxMemory, values.cacheMaxObjectSize], [2 ** 30, 64 * 2 ** 20]);
  assert.deepEqual(
    [values.sentryDsn, values.sentryTracesSampleRate, values.sentryDebug],
    [undefined, 0.1, false],
  );
  assert.deepEqual([...stores.keys()], ['media-s3', 'assets-azure']);
  const s3 = stores.get('media-s3');
  assert.ok(s3?.type === 's3' && s3.credentials?.accessKey.reveal() === 'AKIA...');
  assert.deepEqual([s3.endpoint, s3.region, s3.pathStyle], [undefined, 'us-east-1', false]);
  assert.match(JSON.stringify(stores.get('assets-azure')), /"container":"assets","connectionString":"\*{3}"/);
  assert.equal(opensBuildCache(values), false, 'without a token of its own the build cache stays closed');
});

test('the section of velox-middleware loads by its name or ours, and the schema takes both', async () => {
  const section = '{ server_url: "http://127.0.0.1:9000", cache: { enabled: true, max_entries: 5 } }';
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, formats: { uri: true } });
  const schema = settingsSchema('Test', serverSettings, [storeSettings], serverSectionAliases);
  const validate = ajv.compile(schema);
  for (const name of ['velox', 'builds']) {
    const yaml = `${CACHEGATE_YAML}\n${name}: ${section}\n`;
    const { values } = await load({ yaml });
    assert.deepEqual(
      [values.buildsServerUrl, values.buildsCacheEnabled, values.buildsCacheMaxEntries],
      ['http://127.0.0.1:9000', true, 5],
    );
    assert.ok(validate(parse(yaml)), JSON.stringify(validate.errors));
  }
  const both = await mistakesOf({ yaml: `velox: ${section}\nbuilds: ${section}\n` });
  assert.match(both.join(), /config\.yaml:1:1: "velox" is another name for "builds"/);
  const alone = await mistakesOf({ yaml: withStore('velox: { cache: { enabled: true } }') });
  assert.match(alone.join(), /config\.yaml:1:.*builds\.server_url/);
});

test('the schema takes that configuration too', () => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, formats: { uri: true } });
  const validate = ajv.compile(settingsSchema('Test', serverSettings, [storeSettings]));
  assert.ok(validate(parse(CACHEGATE_YAML)), JSON.stringify(validate.errors));
  assert.equal(validate({ stores: { a: { type: 's3', container: 'x' } } }), false);
  for (const stores of ['a', 'a, b', ['a', 'b']])
    assert.ok(validate({ stores: { c: { type: 'failover', stores } } }), JSON.stringify(validate.errors));
  for (const stores of ['', [], [1]])
    assert.equal(validate({ stores: { c: { type: 'failover', stores } } }), false);
  for (const quantile of [0, 0.99, 1])
    assert.equal(validate({ stores: { a: { type: 's3', hedge_quantile: quantile } } }), quantile < 1);
});

test('an environment of cachegate loads as it stands, with --config env', async () => {
  const { values, stores } = await load({ env: CACHEGATE_ENV, fromEnv: true });
  assert.deepEqual([values.host, values.port, values.cacheMaxMemory], ['localhost', 9010, 512 * 2 ** 20]);
  assert.equal(values.gatewayToken?.reveal(), 'cachegate-secret');
  assert.deepEqual([...stores.keys()].sort(), ['assets', 'minio']);
  const minio = stores.get('minio');
  assert.ok(minio?.type === 's3');
  assert.deepEqual([minio.bucket, minio.endpoint], ['cachegate', 'http://localhost:9305']);
});

test('a whole file in one variable loads, with --config env; variables that name a key go before it', async () => {
  const env = {
    CACHEGATE_CONFIG: CACHEGATE_YAML,
    'CACHEGATE__STORES__media-s3__bucket': 'other',
    CACHEGATE__CACHE__MAX_MEMORY: '2GiB',
    VC_CACHE_TTL: '1h',
    VC_CONFIG: 'cache: { eviction: lfu, max_memory: 3GiB, max_object_size: 1MiB }',
  };
  const { values, stores, origins } = await load({ env, fromEnv: true });
  const media = stores.get('media-s3');
  assert.equal(media?.type === 's3' && media.bucket, 'other');
  assert.deepEqual(
    [values.cacheMaxMemory, values.cacheMaxObjectSize, values.cacheTtl, values.cacheEviction],
    [2 * 2 ** 30, 2 ** 20, 3600_000, 'lfu'],
  );
  assert.match(origins.gatewayToken, /^CACHEGATE_CONFIG:6:17$/);
  const wrong = await mistakesOf({
    env: { CACHEGATE_CONFIG: 'listen: 8080\n', VC_CONFIG: 'a: [' },
    fromEnv: true,
  });
  assert.match(wrong.join(), /^VC_CONFIG:1:\d: this is not valid YAML/);
  assert.match(
    (await mistakesOf({ env: { VC_CONFIG: '\nlisten: 8080\n' }, fromEnv: true })).join(),
    /^VC_CONFIG:2:9: listen: expected a host and port/,
  );
});

test('without --config env the variables of cachegate are nobody’s, ours with two underscores are', async () => {
  const env = { ...CACHEGATE_ENV, CACHEGATE_CONFIG: 'a: [', VC_AUTH_TOKEN: 'x', VC__PORT: '1' };
  const { values, stores } = await load({ env });
  assert.deepEqual([values.port, stores.size], [1, 0]);
  assert.deepEqual(await mistakesOf({ env: { VC_AUTH_TOKEN: 'x', VC_CONFIG: 'port: 1' } }), [
    'VC_CONFIG: holds a whole file, which is read with `--config env` alone.',
  ]);
  assert.deepEqual(await mistakesOf({ env: { VC_AUTH_TOKEN: 'x', CACHEGATE__LISEN: ':1' }, fromEnv: true }), [
    'CACHEGATE__LISEN: there is no such setting (did you mean "CACHEGATE__LISTEN"?)',
  ]);
});

describe('who is let in', () => {
  test('either way into the gateway is enough where there are stores', async () => {
    for (const auth of [`public_key: ${PUBLIC_KEY}`, `private_key: ${PRIVATE_KEY}`, 'bearer_token: x']) {
      const { values } = await load({ yaml: withStore(`auth: { ${auth} }`) });
      assert.equal(opensBuildCache(values), false);
      assert.equal(presignPublicKeyOf(values), auth.startsWith('bearer') ? undefined : PUBLIC_KEY);
    }
  });

  test('a token of the build cache opens that too', async () => {
    const { values } = await load({ yaml: withStore('auth: { token: x }') });
    assert.equal(opensBuildCache(values), true);
  });

  test('nobody is a mistake, in words for a gateway where there is one', async () => {
    assert.match(
      (await mistakesOf({ yaml: withStore('') })).join(),
      /^auth: nothing is set.*auth\.public_key/,
    );
    for (const yaml of ['', 'stores:\n', 'auth: { bearer_token: x }', `auth: { public_key: ${PUBLIC_KEY} }`])
      assert.match((await mistakesOf({ yaml })).join(), /^VC_AUTH_TOKEN: is not set/);
  });

  test('keys that do not belong together, or are none, are mistakes', async () => {
    const pair = `auth: { public_key: ${OTHER_KEY}, private_key: ${PRIVATE_KEY} }`;
    assert.match(
      (await mistakesOf({ yaml: withStore(pair) })).join(),
      /^config\.yaml:1:21: auth\.public_key: is not the public key of auth\.private_key/,
    );
    const both = 'auth: { public_key: BASE64URL_PUBLIC_KEY, private_key: BASE64URL_PRIVATE_KEY }';
    const [first = '', second = ''] = await mistakesOf({ yaml: withStore(both) });
    assert.match(first, /1:21: auth\.public_key: expected a public key as "velocity keygen" writes it/);
    assert.match(second, /auth\.private_key: expected a private key .*not shown here/);
  });

  test('work on the storage alone asks nobody to be let in', () => {
    const sources = { flags: new Map(), env: {}, configFiles: [] };
    assert.ok(loadStorageSettings(sources).ok);
  });
});

describe('listen', () => {
  const TOKEN = { VC_AUTH_TOKEN: 'x' };
  const cases: readonly (readonly [listen: string, host: string, port: number])[] = [
    ['0.0.0.0:8080', '0.0.0.0', 8080],
    ['"[::1]:8080"', '::1', 8080],
    ['localhost:9010', 'localhost', 9010],
    [':9010', '0.0.0.0', 9010],
  ];
  for (const [listen, host, port] of cases)
    test(`${listen} is a host and a port`, async () => {
      const { values, origins } = await load({ yaml: `listen: ${listen}`, env: TOKEN });
      assert.deepEqual([values.host, values.port], [host, port]);
      assert.equal(origins.port, origins.listen);
    });

  test('is a mistake in any other form', async () => {
    for (const listen of ['8080', 'localhost', '::1:8080', '"[1.2.3.4]:80"', 'x:99999', 'a b:80', '[":80"]'])
      assert.match(
        (await mistakesOf({ yaml: `listen: ${listen}`, env: TOKEN })).join(),
        /listen: expected a host/,
      );
  });

  test('gives way to a host and port that are given more strongly, each for itself', async () => {
    const yaml = 'listen: 127.0.0.1:1';
    const byFlag = await load({ yaml, env: TOKEN, flags: { '--port': '2' } });
    assert.deepEqual([byFlag.values.host, byFlag.values.port], ['127.0.0.1', 2]);
    const byVariable = await load({ yaml, env: { ...TOKEN, VC_HOST: '::' } });
    assert.deepEqual([byVariable.values.host, byVariable.values.port], ['::', 1]);
  });

  test('goes before a host and port that are given more weakly', async () => {
    const { values } = await load({ yaml: 'host: "::"\nport: 1', env: { ...TOKEN, VC_LISTEN: ':2' } });
    assert.deepEqual([values.host, values.port], ['::', 2]);
  });

  test('may say the same twice in one place, but not something else', async () => {
    const { values } = await load({ yaml: 'listen: :1\nport: 1', env: TOKEN });
    assert.equal(values.port, 1);
    assert.deepEqual(await mistakesOf({ yaml: 'listen: a:1\nport: 2\nhost: b', env: TOKEN }), [
      'config.yaml:1:9: listen: says host a, and config.yaml:3:7 says b: leave one of them out',
      'config.yaml:1:9: listen: says port 1, and config.yaml:2:7 says 2: leave one of them out',
    ]);
  });
});

test('a store has no name that is an address of the server’s own', async () => {
  assert.deepEqual(await mistakesOf({ yaml: 'stores:\n  metrics: { type: local, root: x }\n' }), [
    'config.yaml:2:3: "metrics" cannot name a store: /metrics/ is an address of the server’s own. Choose another name.',
  ]);
});

test('mistakes of stores come with all others', async () => {
  const yaml = 'prot: 1\nlisten: x\nstores:\n  a: { type: s3 }\n  b: { type: local, root: x, bukcet: y }\n';
  assert.equal((await mistakesOf({ yaml, env: { VC_TYPO: '1' } })).length, 5);
});

test('the defaults of the cache are those of cachegate', async () => {
  const { values } = await load({ env: { VC_AUTH_TOKEN: 'x' } });
  assert.deepEqual(
    [
      values.cacheMaxMemory,
      values.cacheMaxObjectSize,
      values.cacheMaxDisk,
      values.cacheTtl,
      values.cacheEviction,
    ],
    [2 ** 30, undefined, undefined, 86_400_000, 'lru'],
  );
});

test('a page has at least 64KiB, and is no larger than the largest object that is kept; 0 is none', async () => {
  const env = { VC_AUTH_TOKEN: 'x' };
  const pages = async (cache: string) => check({ env, yaml: `cache: { ${cache} }\n` });
  for (const right of ['64KiB', '4MiB', '0'])
    assert.deepEqual((await pages(`page_size: ${right}, max_object_size: 4MiB`)).mistakes, [], right);
  assert.deepEqual((await pages('page_size: 65535')).mistakes, [
    'config.yaml:1:21: cache.page_size: 65535 is less than 64KiB: take at least that, or 0 for no pages.',
  ]);
  assert.deepEqual((await pages('page_size: 5MiB, max_object_size: 4MiB')).mistakes, [
    'config.yaml:1:21: cache.page_size: 5MiB is more than the largest object that is kept, 4MiB (cache.max_object_size, else cache.max_memory).',
  ]);
  assert.equal((await pages('page_size: 2MiB, max_memory: 1MiB')).mistakes.length, 1);
});

describe('the proxy', () => {
  const ENV = {
    VELOCITY_HOST: '0.0.0.0',
    VELOCITY_PORT: '9090',
    VELOCITY_CACHE_MAX_CAPACITY: '500',
    VELOCITY_BACKEND: 'example.com',
  };

  function loadProxy(env: NodeJS.ProcessEnv): LoadedSettings {
    const loaded = loadProxySettings({ flags: new Map(), env, configFiles: [] });
    assert.ok(loaded.ok);
    return loaded.value;
  }

  test('takes the variables of velocity, and ours before them', () => {
    const { values, backends } = loadProxy({ ...ENV, VC_PROXY_PORT: '9191' });
    assert.equal(values.proxyHost, '0.0.0.0');
    assert.equal(values.proxyPort, 9191);
    assert.equal(values.proxyMaxEntries, 500);
    assert.deepEqual(
      backends.map(({ name, servers, host }) => ({ name, servers, host })),
      [{ name: 'default', servers: ['https://example.com'], host: 'example.com' }],
    );
  });

  test('alone needs no token, and has the defaults of velocity', () => {
    const { values, backends } = loadProxy({});
    assert.equal(values.proxyHost, '127.0.0.1');
    assert.equal(values.proxyPort, 8080);
    assert.equal(values.proxyMaxEntries, 10_000);
    assert.deepEqual(backends[0]?.servers, ['https://httpbin.org']);
  });

  test('is beside a server only where it has a backend', async () => {
    const env = { VC_AUTH_TOKEN: 'a-token-for-tests-0123456789' };
    assert.deepEqual((await load({ env })).backends, []);
    const { backends } = await load({
      env,
      yaml: 'proxy: { backend: localhost:3000, backends: { a: { url: a.org, hosts: a.example.org } } }',
    });
    assert.deepEqual(
      backends.map(({ name }) => name),
      ['a', 'default'],
    );
  });

  test('says what is wrong with its settings where it stands', async () => {
    const yaml = 'proxy:\n  port: 80800\n  backends: { a: { url: x, path: a } }\n  tls: { key: key.pem }\n';
    assert.deepEqual(await mistakesOf({ yaml }), [
      'config.yaml:2:9: proxy.port: expected a port between 0 and 65535, found 80800',
      'config.yaml:3:34: proxy.backends.a.path: expected a path such as /api, found "a"',
    ]);
    assert.deepEqual(await mistakesOf({ yaml: yaml.replace('80800', '80') }), [
      'config.yaml:3:34: proxy.backends.a.path: expected a path such as /api, found "a"',
      'config.yaml:4:15: proxy.tls.certificate is missing beside proxy.tls.key',
    ]);
    assert.deepEqual(await mistakesOf({ env: { VELOCITY_BACKEND: 'https://example.com/api' } }), [
      'VELOCITY_BACKEND: proxy.backend: expected a host, a host and port or a URL without a path, found "https://example.com/api"',
    ]);
  });
});
