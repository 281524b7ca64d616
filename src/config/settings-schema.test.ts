import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv, type ValidateFunction } from 'ajv';
import {
  addressRanges,
  byteRate,
  byteSize,
  duration,
  httpUrl,
  oneOf,
  requestRate,
  secret,
  text,
  trueOrFalse,
  wholeNumber,
} from './kinds.ts';
import type { NamedSettings } from './named-settings.ts';
import type { Settings } from './setting.ts';
import { settingsSchema } from './settings-schema.ts';

const settings = {
  host: { key: 'host', kind: text(), default: '0.0.0.0', doc: 'Address.' },
  port: { key: 'port', kind: wholeNumber(0, 65_535), default: 8080, doc: 'Port.' },
  token: { key: 'auth.token', kind: secret(), required: 'is not set', doc: 'Token.' },
  driver: { key: 'storage.driver', kind: oneOf(['local', 's3']), default: 'local', doc: 'Driver.' },
  endpoint: { key: 's3.endpoint', kind: httpUrl(), doc: 'Endpoint.' },
  pathStyle: { key: 's3.path_style', kind: trueOrFalse(), default: false, doc: 'Path style.' },
  ttl: { key: 'url.ttl', kind: duration(), default: 900_000, doc: 'Time to live.' },
  limit: { key: 'max.size', kind: byteSize(), default: 5 * 2 ** 30, doc: 'Limit.' },
  requests: { key: 'max.requests', kind: requestRate(), doc: 'Rate.' },
  bytes: { key: 'max.bytes', kind: byteRate(), doc: 'Rate of bytes.' },
  proxies: { key: 'proxies', kind: addressRanges(), doc: 'Proxies.' },
} as const satisfies Settings;

const shops = {
  key: 'shops',
  noun: 'shop',
  doc: 'Shops.',
  names: /^[a-z]+$/,
  namesExpect: 'small letters',
  common: { closed: { key: 'closed', kind: trueOrFalse(), default: false, doc: 'Closed.' } },
  types: {
    books: { street: { key: 'street', kind: text(), required: 'street is missing', doc: 'Street.' } },
    bread: { opens: { key: 'opens_for', kind: duration(), default: 3600_000, doc: 'How long.' } },
  },
} as const satisfies NamedSettings;

const mounts = {
  ...{ key: 's3.mounts', noun: 'mount', doc: 'Mounts.', names: /^[a-z]+$/, namesExpect: 'small letters' },
  common: { path: { key: 'path', kind: text(), required: 'path is missing', doc: 'Path.' } },
} as const satisfies NamedSettings;

function compile(): ValidateFunction {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, formats: { uri: true } });
  return ajv.compile(settingsSchema('Test', settings, [shops, mounts]));
}

/** The schema's node at a setting's key. */
function nodeAt(key: string): Record<string, unknown> {
  let node: Record<string, unknown> = settingsSchema('Test', settings);
  for (const step of key.split('.')) {
    node = (node['properties'] as Record<string, Record<string, unknown>>)[step] ?? {};
  }
  return node;
}

test('a strict validator compiles the schema, and it takes a file with every setting', () => {
  const validate = compile();
  const file = {
    host: 'localhost',
    port: 9000,
    auth: { token: 'x' },
    storage: { driver: 's3' },
    s3: { endpoint: 'http://minio:9000', path_style: true },
    url: { ttl: '1h' },
    max: { size: '1GiB', requests: '600/m', bytes: '1GiB/h' },
    proxies: ['10.0.0.0/8'],
  };
  assert.equal(validate(file), true, JSON.stringify(validate.errors));
  assert.equal(validate({ proxies: '10.0.0.0/8, ::1' }), true);
  assert.equal(validate({}), true);
});

test('the schema refuses unknown keys at every level and values of another kind', () => {
  const validate = compile();
  const wrong = [
    { hots: 'x' },
    { s3: { endpiont: 'http://x' } },
    { 's3.endpoint': 'http://x' },
    { host: '' },
    { port: '80' },
    { port: 65_536 },
    { storage: { driver: 'ftp' } },
    { s3: { path_style: 'yes' } },
    { s3: 'http://x' },
    { url: { ttl: 900_000 } },
    { max: { requests: 600 } },
    { proxies: [10] },
    [],
  ];
  for (const file of wrong) assert.equal(validate(file), false, JSON.stringify(file));
});

test('settings of one section share its node', () => {
  assert.deepEqual(Object.keys(nodeAt('s3')['properties'] as object), ['endpoint', 'path_style']);
});

test('each default stands in the schema as it would in the file: allowed there, and read back as itself', () => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, formats: { uri: true } });
  for (const setting of Object.values(settings)) {
    const node = nodeAt(setting.key);
    if (!('default' in setting)) {
      assert.ok(!('default' in node), setting.key);
      continue;
    }
    assert.ok(ajv.validate(node, node['default']), setting.key);
    assert.equal(setting.kind.parse(node['default']), setting.default, setting.key);
  }
});

test('each setting is described by its doc sentence', () => {
  for (const { key, doc } of Object.values(settings)) assert.equal(nodeAt(key)['description'], doc);
});

test('what is null is not set, so it is allowed', () => {
  const validate = compile();
  for (const file of [
    { port: null },
    { storage: { driver: null } },
    { max: { size: null } },
    { shops: null },
  ])
    assert.equal(validate(file), true, JSON.stringify(file));
});

test('named settings are a map in which each has what belongs to its type', () => {
  const validate = compile();
  const right = [
    {},
    { a: { type: 'books', street: 'x', closed: true }, b: { type: 'bread', opens_for: '2h' } },
    { a: { type: 'books' } },
    { a: { type: 'bread', opens_for: null } },
  ];
  for (const map of right) assert.equal(validate({ shops: map }), true, JSON.stringify(map));
  const wrong = [
    [],
    { a: null },
    { a: {} },
    { a: { type: 'book' } },
    { a: { type: 'bread', street: 'x' } },
    { a: { type: 'books', closed: 'perhaps' } },
    { A: { type: 'books' } },
  ];
  for (const map of wrong) assert.equal(validate({ shops: map }), false, JSON.stringify(map));
});

test('named settings without types are all alike, and may stand in a section', () => {
  const validate = compile();
  for (const map of [null, {}, { a: { path: 'x' } }, { a: null }, { a: { path: null } }])
    assert.equal(validate({ s3: { mounts: map, path_style: true } }), true, JSON.stringify(map));
  for (const map of [[], { a: { type: 'x', path: 'x' } }, { a: { paht: 'x' } }, { A: { path: 'x' } }])
    assert.equal(validate({ s3: { mounts: map } }), false, JSON.stringify(map));
});
