import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../base/secret.ts';
import {
  addressRanges,
  byteRate,
  byteSize,
  duration,
  httpUrl,
  isSecretKind,
  type Kind,
  names,
  oneOf,
  quantile,
  ratio,
  requestRate,
  secret,
  secretOptions,
  tenantNames,
  text,
  trueOrFalse,
  wholeNumber,
} from './kinds.ts';

const KINDS: Record<string, Kind<unknown>> = {
  text: text(),
  secret: secret(),
  wholeNumber: wholeNumber(0, 65_535),
  ratio: ratio(),
  quantile: quantile(),
  trueOrFalse: trueOrFalse(),
  oneOf: oneOf(['local', 's3']),
  byteSize: byteSize(),
  duration: duration(),
  requestRate: requestRate(),
  byteRate: byteRate(),
  addressRanges: addressRanges(),
  httpUrl: httpUrl(),
};

/** What a kind reads each raw value as. */
function read<T>(kind: Kind<T>, ...raw: unknown[]): (T | undefined)[] {
  return raw.map((each) => kind.parse(each));
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(`${name} refuses what is empty, and lists, maps and nothing`, () => {
    for (const raw of ['', '   ', [], ['x'], {}, { value: 1 }, null, undefined]) {
      assert.equal(kind.parse(raw), undefined, JSON.stringify(raw));
    }
  });
}

test('text is taken without the blanks around it, and a number is text too', () => {
  assert.deepEqual(read(text(), ' a b \n', 5, true), ['a b', '5', 'true']);
});

test('options are a map of texts, or of JSON, and never shown', () => {
  const values = (raw: unknown): unknown => {
    const options = secretOptions().parse(raw);
    return options && Object.entries(options).map(([name, value]) => [name, value.reveal()]);
  };
  const expected = [
    ['user', 'u'],
    ['port', '22'],
    ['no_check_bucket', 'true'],
  ];
  assert.deepEqual(values({ user: ' u ', port: 22, no_check_bucket: true }), expected);
  assert.deepEqual(values('{"user":"u","port":22,"no_check_bucket":true}'), expected);
  for (const raw of ['', 'user=u', '[]', '{}', {}, [], ['u'], null, { user: '' }, { user: null }])
    assert.equal(values(raw), undefined, JSON.stringify(raw));
  for (const raw of [{ a: { b: 'c' } }, { a: ['b'] }, { 'a b': 'c' }, { A: 'c' }])
    assert.equal(values(raw), undefined, JSON.stringify(raw));

  const kind = secretOptions();
  const parsed = kind.parse({ user: 'hidden', pass: 'hidden too' });
  assert.ok(parsed && isSecretKind(kind));
  assert.equal(kind.show?.(parsed), 'user=***, pass=***');
  assert.equal(JSON.stringify(parsed), '{"user":"***","pass":"***"}');
});

test('a secret is taken without the line end of the file it came from', () => {
  assert.equal(secret().parse('s3cr3t\n')?.reveal(), 's3cr3t');
});

test('only the secret kind is secret', () => {
  const secretKinds = Object.keys(KINDS).filter((name) => isSecretKind(KINDS[name] ?? text()));
  assert.deepEqual(secretKinds, ['secret']);
  assert.ok(secret().parse('x') instanceof Secret);
});

test('a whole number lies within its bounds, both included', () => {
  const port = wholeNumber(1, 65_535, 'a port');
  assert.deepEqual(read(port, '1', 65_535, ' 80 ', '080'), [1, 65_535, 80, 80]);
  assert.deepEqual(
    read(port, '0', 65_536, '-1', '1.5', 1.5, '1e3', '0x10', true, 1e21),
    Array(9).fill(undefined),
  );
  assert.equal(port.expects, 'a port between 1 and 65535');
});

test('true and false have the words of shells and of YAML', () => {
  assert.deepEqual(read(trueOrFalse(), true, 'TRUE', 'yes', 1, '1'), [true, true, true, true, true]);
  assert.deepEqual(read(trueOrFalse(), false, 'False', 'no', 0, '0'), [false, false, false, false, false]);
  assert.deepEqual(read(trueOrFalse(), 'on', 'y', 2, '-'), Array(4).fill(undefined));
});

test('a choice is one of the names, in their case', () => {
  const driver = oneOf(['local', 's3']);
  assert.deepEqual(read(driver, 'local', ' s3 '), ['local', 's3']);
  assert.deepEqual(read(driver, 'S3', 'gcs', 'toString'), Array(3).fill(undefined));
  assert.equal(driver.expects, '"local" or "s3"');
});

test('a size is written with a unit or as a number of bytes', () => {
  assert.deepEqual(read(byteSize(), '1MiB', 4096, '4096', 'much'), [2 ** 20, 4096, 4096, undefined]);
});

test('a duration is written with a unit, never as a bare number', () => {
  assert.deepEqual(read(duration(), '15m', 900_000, '900000'), [900_000, undefined, undefined]);
});

test('a size or duration that is shown can be given back', () => {
  for (const bytes of [0, 1000, 4096, 5 * 2 ** 30])
    assert.equal(byteSize().parse(byteSize().show?.(bytes)), bytes);
  for (const ms of [0, 1, 1500, 900_000]) assert.equal(duration().parse(duration().show?.(ms)), ms);
});

test('a URL of http or https is taken without the slashes at its end', () => {
  assert.deepEqual(read(httpUrl(), 'http://a', 'HTTPS://a:9000/b//'), ['http://a', 'HTTPS://a:9000/b']);
  const refused = [
    'a.example',
    '//a',
    'ftp://a',
    'http://',
    'http://a b',
    'https://[::1',
    'http:/a',
    'javascript:http://a',
  ];
  assert.deepEqual(read(httpUrl(), ...refused), Array(refused.length).fill(undefined));
});

test('a rate says what it counts and in how long, and is shown as it is written', () => {
  assert.deepEqual(read(requestRate(), '600/m', 600, '10GiB/h'), [
    { amount: 600, periodMs: 60_000 },
    undefined,
    undefined,
  ]);
  assert.deepEqual(read(byteRate(), '10GiB/h', 10, '600/m'), [
    { amount: 10 * 2 ** 30, periodMs: 3_600_000 },
    undefined,
    undefined,
  ]);
  assert.equal(requestRate().show?.({ amount: 600, periodMs: 60_000 }), '600/m');
  assert.equal(byteRate().show?.({ amount: 10 * 2 ** 30, periodMs: 3_600_000 }), '10GiB/h');
});

test('ranges of addresses come as text with commas or as a list, and one that is wrong makes all of it wrong', () => {
  const both = ['10.0.0.0/8', '::1'];
  assert.deepEqual(read(addressRanges(), '10.0.0.0/8, ::1', both), [both, both]);
  assert.deepEqual(
    read(addressRanges(), '10.0.0.0/33', '10.0.0.0/8,', ['10.0.0.0/8', 'proxy'], [['10.0.0.0/8']], true),
    Array(5).fill(undefined),
  );
  assert.equal(addressRanges().show?.(both), '10.0.0.0/8, ::1');
});

test('names of tenants come as text with commas or as a list; a star is all of them', () => {
  assert.deepEqual(read(tenantNames(), 'acme, *', ['acme', '*'], 'acme'), [
    ['acme', '*'],
    ['acme', '*'],
    ['acme'],
  ]);
  assert.deepEqual(
    read(tenantNames(), '', 'Acme', 'acme,', ['a/b'], [['acme']], []),
    Array(6).fill(undefined),
  );
  assert.equal(tenantNames().show?.(['acme', '*']), 'acme, *');
});

test('a ratio is a number from 0 to 1', () => {
  assert.deepEqual(read(ratio(), 0, 1, 0.1, '.5', '1.0'), [0, 1, 0.1, 0.5, 1]);
  assert.deepEqual(read(ratio(), -0.1, 1.01, 2, '1e-1', '10%', 'half', true), Array(7).fill(undefined));
});

test('names are a list or text with commas, and none of them is empty', () => {
  const kind = names('things');
  assert.deepEqual(read(kind, 'a', 'a, b', ['a', 'b']), [['a'], ['a', 'b'], ['a', 'b']]);
  assert.deepEqual(read(kind, '', 'a,', [], ['a', ''], [['a']], {}, null), Array(7).fill(undefined));
  assert.equal(kind.show?.(['a', 'b']), 'a, b');
});

test('a quantile is a ratio below 1', () => {
  assert.deepEqual(read(quantile(), 0, 0.99, '.999'), [0, 0.99, 0.999]);
  assert.deepEqual(read(quantile(), 1, '1.0', 1.01, -0.1, '99%'), Array(5).fill(undefined));
});
