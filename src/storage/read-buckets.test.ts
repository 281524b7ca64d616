import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeMistake } from '../config/mistake.ts';
import { resolveNamed } from '../config/resolve-named.ts';
import { parseYaml } from '../config/yaml-file.ts';
import { type NamedStoreSettings, storeSettings } from './bucket-settings.ts';
import { endpoint, withScheme } from './endpoint.ts';
import { readBuckets } from './read-buckets.ts';

/** What a file says of one store; one line, so that a mistake's column tells its place. */
function read(store: string, others = '') {
  const parsed = parseYaml('a.yml', `stores:\n  media: { ${store} }\n${others}`, {});
  assert.ok(parsed.ok);
  const resolved = resolveNamed(storeSettings, { flags: new Map(), env: {}, files: [parsed.value] });
  return resolved.ok ? readBuckets(resolved.value) : resolved;
}

function bucket<T extends NamedStoreSettings['type']>(
  type: T,
  store: string,
  others = '',
): NamedStoreSettings & { type: T } {
  const checked = read(`type: ${type}, ${store}`, others);
  assert.ok(checked.ok, JSON.stringify(checked));
  const settings = checked.value.get('media');
  assert.equal(settings?.type, type);
  return settings as NamedStoreSettings & { type: T };
}

function mistakes(store: string, others = ''): string[] {
  const checked = read(store, others);
  assert.ok(!checked.ok, 'there are mistakes');
  return checked.mistakes.map(describeMistake);
}

test('an S3 bucket alone is in AWS, in us-east-1, with what credentials AWS finds', () => {
  assert.deepEqual(bucket('s3', 'bucket: b'), {
    type: 's3',
    bucket: 'b',
    region: 'us-east-1',
    endpoint: undefined,
    credentials: undefined,
    pathStyle: false,
    hedgeQuantile: undefined,
    immutable: false,
  });
});

test('an S3 bucket has what it was given, and paths where an endpoint is set', () => {
  const more = 'bucket: b, region: eu-1, endpoint: "https://minio", immutable: true';
  const { credentials, ...others } = bucket('s3', `${more}, access_key: a, secret_key: s`);
  assert.deepEqual([credentials?.accessKey.reveal(), credentials?.secretKey.reveal()], ['a', 's']);
  assert.deepEqual(others, {
    type: 's3',
    bucket: 'b',
    region: 'eu-1',
    endpoint: 'https://minio',
    pathStyle: true,
    hedgeQuantile: undefined,
    immutable: true,
  });
  assert.equal(bucket('s3', `${more}, path_style: false`).pathStyle, false);
});

test('containers, buckets and folders have what they were given', () => {
  const azure = bucket('azure', 'container: c, account: acct, key: k');
  assert.deepEqual([azure.container, azure.account, azure.key?.reveal()], ['c', 'acct', 'k']);
  assert.equal(bucket('azure', 'container: c, connection_string: x').connectionString?.reveal(), 'x');
  assert.deepEqual(bucket('gcs', 'bucket: b, endpoint: "https://private"'), {
    type: 'gcs',
    bucket: 'b',
    endpoint: 'https://private',
    hedgeQuantile: undefined,
    immutable: false,
  });
  assert.deepEqual(bucket('local', 'root: /srv'), { type: 'local', root: '/srv', immutable: false });
});

test('stores behind a network may hedge, by a quantile below 1; a folder may not', () => {
  for (const [type, own] of [
    ['s3', 'bucket: b'],
    ['gcs', 'bucket: b'],
    ['azure', 'container: c, connection_string: x'],
  ] as const) {
    const settings = bucket(type, `${own}, hedge_quantile: 0.99`);
    assert.equal('hedgeQuantile' in settings && settings.hedgeQuantile, 0.99);
  }
  assert.deepEqual(mistakes('type: s3, bucket: b, hedge_quantile: 1'), [
    'a.yml:2:49: stores.media.hedge_quantile: expected a number from 0 to below 1, found 1',
  ]);
  assert.match(
    mistakes('type: local, root: /srv, hedge_quantile: 0.9').join(),
    /^a.yml:2:37: unknown key "stores.media.hedge_quantile": it is one of type s3 and azure and gcs and rclone;/,
  );
});

describe('an endpoint', () => {
  const cases: readonly (readonly [written: string, allowHttp: boolean, url: string])[] = [
    ['minio:9000', false, 'https://minio:9000'],
    ['minio:9000', true, 'http://minio:9000'],
    ['localhost:9305', false, 'http://localhost:9305'],
    ['127.0.0.1:9000', false, 'http://127.0.0.1:9000'],
    ['[::1]:9000', false, 'http://[::1]:9000'],
    ['localhost.example.com', false, 'https://localhost.example.com'],
    ['HTTP://minio', true, 'HTTP://minio'],
    ['https://localhost:9000', true, 'https://localhost:9000'],
  ];
  for (const [written, allowHttp, url] of cases)
    test(`${written} ${allowHttp ? 'where http may be' : ''} is ${url}`, () =>
      assert.equal(withScheme(endpoint().parse(written), allowHttp), url));

  test('that is none is refused', () => {
    for (const written of [
      '',
      'ftp://minio',
      'minio:port',
      'minio:99999',
      'a b',
      'minio/path',
      'http://',
      'x@y',
    ])
      assert.equal(endpoint().parse(written), undefined, written);
  });
});

test('an endpoint without encryption is a mistake where it is not allowed', () => {
  assert.deepEqual(mistakes('type: s3, bucket: b, endpoint: "http://minio:9000"'), [
    'a.yml:2:43: stores.media.endpoint: is not encrypted: use https://, or set allow_http: true beside it',
  ]);
  assert.equal(
    bucket('s3', 'bucket: b, endpoint: "http://minio:9000", allow_http: true').endpoint,
    'http://minio:9000',
  );
});

test('what is missing or contradicts itself is a mistake at its place', () => {
  const cases: [string, string][] = [
    ['type: s3', '2:3: stores.media: bucket is missing'],
    ['type: gcs', '2:3: stores.media: bucket is missing'],
    ['type: azure, account: a', '2:3: stores.media: container is missing'],
    ['type: local', '2:3: stores.media: root is missing'],
    ['type: s3, bucket: b, access_key: a', '2:3: stores.media.secret_key: is missing beside access_key'],
    ['type: s3, bucket: b, secret_key: s', '2:3: stores.media.access_key: is missing beside secret_key'],
    ['type: azure, container: c', '2:3: stores.media.account: is missing: set it, or endpoint'],
    ['type: azure, container: c, key: k', '2:3: stores.media.account: is missing beside key'],
    ['type: azure, container: c, account: a, key: k, sas: s', '2:64: stores.media.sas: key is set too'],
    [
      'type: azure, container: c, connection_string: x, key: k',
      '2:66: stores.media.key: connection_string says',
    ],
  ];
  for (const [store, expected] of cases) {
    const [mistake = '', ...others] = mistakes(store);
    assert.ok(mistake.startsWith(`a.yml:${expected}`), `${store}: ${mistake}`);
    assert.deepEqual(others, []);
  }
});

describe('a failover', () => {
  const others = ['eu', 'us', 'ap', 'sa']
    .map((name) => `  ${name}: { type: gcs, bucket: ${name} }\n`)
    .join('');

  test('names other stores, the preferred one first, wherever they stand', () => {
    assert.deepEqual(bucket('failover', 'stores: [us, eu, ap], immutable: true', others), {
      type: 'failover',
      stores: ['us', 'eu', 'ap'],
      immutable: true,
    });
    assert.deepEqual(bucket('failover', 'stores: "us, eu"', others).stores, ['us', 'eu']);
  });

  const cases: [string, string][] = [
    ['[]', '2:36: stores.media.stores: expected names of stores'],
    ['"eu,"', '2:36: stores.media.stores: expected names of stores'],
    ['[eu, uss]', '2:36: stores.media.stores: there is no store "uss" (did you mean "us"?)'],
    ['[elsewhere]', '2:36: stores.media.stores: there is no store "elsewhere"'],
    ['[eu, media]', '2:36: stores.media.stores: names itself'],
    ['[eu, us, eu]', '2:36: stores.media.stores: names eu twice'],
    ['[eu, us, ap, sa]', '2:36: stores.media.stores: names 4 stores, of at most 3'],
  ];
  for (const [stores, expected] of cases)
    test(`of ${stores} is a mistake at its place`, () => {
      const [mistake = '', ...more] = mistakes(`type: failover, stores: ${stores}`, others);
      assert.ok(mistake.startsWith(`a.yml:${expected}`), mistake);
      assert.deepEqual(more, []);
    });

  test('of no stores at all, or of another failover, is one too', () => {
    assert.match(mistakes('type: failover').join(), /^a.yml:2:3: stores.media: stores is missing: name/);
    const failover = `${others}  both: { type: failover, stores: [eu, us] }\n`;
    assert.deepEqual(mistakes('type: failover, stores: [ap, both]', failover), [
      'a.yml:2:36: stores.media.stores: both is of type failover itself: name the stores that it names',
    ]);
  });
});

test('a remote of rclone is a backend with options, or a name in a file', () => {
  const { options, ...others } = bucket('rclone', 'remote: sftp, path: a/b, options: { host: h, port: 22 }');
  assert.deepEqual(others, {
    type: 'rclone',
    remote: 'sftp',
    path: 'a/b',
    configFile: undefined,
    program: 'rclone',
    hedgeQuantile: undefined,
    immutable: false,
  });
  assert.deepEqual([options?.['host']?.reveal(), options?.['port']?.reveal()], ['h', '22']);
  assert.equal(
    bucket('rclone', 'remote: media, config_file: /etc/rclone.conf').configFile,
    '/etc/rclone.conf',
  );
});

test('what rclone would take for something else is refused, and so is a backend said twice', () => {
  const refused = mistakes(
    'type: rclone, remote: "sftp:a", path: "a]b", config_file: f, options: { host: h }',
  );
  assert.equal(refused.length, 3);
  for (const field of ['remote', 'path', 'options'])
    assert.ok(
      refused.some((text) => text.includes(`stores.media.${field}: `)),
      field,
    );
  assert.match(mistakes('type: rclone')[0] ?? '', /remote is missing/);
  assert.ok(!mistakes('type: rclone, remote: r, options: { PASS: hidden }').join().includes('hidden'));
});
