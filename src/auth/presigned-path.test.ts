import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { Secret } from '../base/secret.ts';
import { generatePresignKeys, privateKeyObject, publicKeyOf } from './presign-keys.ts';
import { type PresignedPath, PresignedPaths, signPath } from './presigned-path.ts';

const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const { publicKey, privateKey } = generatePresignKeys();
const REQUEST: PresignedPath = { method: 'GET', bucket: 'media-s3', path: 'path/to/object.txt' };
const FIELDS = { v: 1, exp: NOW / 1000 + 60, m: 'GET', b: 'media-s3', p: 'path/to/object.txt' };

const requests: fc.Arbitrary<PresignedPath> = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'PUT'),
  bucket: fc.stringMatching(/^[a-z0-9_-][a-z0-9._-]{0,20}$/),
  path: fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
});

function check(sig: string, request = REQUEST, clock = new ManualClock(NOW)): unknown {
  return new PresignedPaths(publicKey, clock).check(sig, request);
}

/** Signed as it stands, whatever it is. */
function signed(payload: string | Uint8Array): string {
  const bytes = Buffer.from(payload as string);
  const signature = sign(null, bytes, privateKeyObject(privateKey));
  return `${bytes.toString('base64url')}.${signature.toString('base64url')}`;
}

test('a signed request is granted until its expiry', () => {
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 1e9 }), (request, seconds) => {
      const expiresAt = NOW + seconds * 1000;
      assert.deepEqual(check(signPath(request, expiresAt, privateKey), request), { expiresAt });
    }),
  );
});

test('a signature with any one byte changed opens nothing', () => {
  const sig = signPath(REQUEST, NOW + MINUTE, privateKey);
  const paths = new PresignedPaths(publicKey, new ManualClock(NOW));
  paths.check(sig, REQUEST); // what is remembered lends nothing to its neighbours
  for (let index = 0; index < sig.length; index++)
    for (const letter of ['A', 'B', '_', '=', '.', '+', ' ', '\n', 'é', '']) {
      const changed = sig.slice(0, index) + letter + sig.slice(index + 1);
      if (changed === sig) continue;
      const refusal = paths.check(changed, REQUEST);
      assert.ok(refusal === 'malformed' || refusal === 'bad-signature', `${index} ${letter} ${refusal}`);
    }
});

test('any text but a signature opens nothing', () => {
  const paths = new PresignedPaths(publicKey, new ManualClock(NOW));
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.base64String(), fc.stringMatching(/^[\w-]{0,80}\.[\w-]{86}$/)),
      (sig) => {
        const refusal = paths.check(sig, REQUEST);
        assert.ok(refusal === 'malformed' || refusal === 'bad-signature', String(refusal));
      },
    ),
  );
});

describe('a URL for one request opens no other', () => {
  const sig = signPath(REQUEST, NOW + MINUTE, privateKey);
  const others: Record<string, Partial<PresignedPath>> = {
    'the same path by HEAD': { method: 'HEAD' },
    'the same path by PUT': { method: 'PUT' },
    'another path': { path: 'path/to/other.txt' },
    'a path below it': { path: 'path/to/object.txt/more' },
    'the path in another spelling': { path: 'path/to/./object.txt' },
    'the path escaped': { path: 'path%2Fto%2Fobject.txt' },
    'another bucket': { bucket: 'media' },
    'another split of bucket and path': { bucket: 'media-s3/path', path: 'to/object.txt' },
  };
  for (const [what, change] of Object.entries(others))
    test(what, () => assert.equal(check(sig, { ...REQUEST, ...change }), 'other-request'));

  test('nor once it is remembered', () => {
    const paths = new PresignedPaths(publicKey, new ManualClock(NOW));
    assert.deepEqual(paths.check(sig, REQUEST), { expiresAt: NOW + MINUTE });
    for (const change of Object.values(others))
      assert.equal(paths.check(sig, { ...REQUEST, ...change }), 'other-request');
    assert.equal(paths.remembered, 1);
  });
});

test('a URL opens nothing from its expiry on, remembered or not', () => {
  const sig = signPath(REQUEST, NOW + MINUTE, privateKey);
  const clock = new ManualClock(NOW + MINUTE - 1);
  const paths = new PresignedPaths(publicKey, clock);
  assert.deepEqual(paths.check(sig, REQUEST), { expiresAt: NOW + MINUTE });
  clock.advance(1);
  assert.equal(paths.check(sig, REQUEST), 'expired');
  assert.equal(check(sig, REQUEST, clock), 'expired');
  assert.equal(paths.remembered, 0, 'it is not kept any longer');
});

test('what another key signed opens nothing', () => {
  const other = generatePresignKeys();
  assert.equal(check(signPath(REQUEST, NOW + MINUTE, other.privateKey)), 'bad-signature');
});

test('payload and signature of two good URLs do not make a third', () => {
  const [payload] = signPath({ ...REQUEST, path: 'secret' }, NOW + MINUTE, privateKey).split('.');
  const [, signature] = signPath(REQUEST, NOW + MINUTE, privateKey).split('.');
  assert.equal(check(`${payload}.${signature}`), 'bad-signature');
});

test('a payload that others signed is read in any order and spacing of its fields', () => {
  const { v, exp, m, b, p } = FIELDS;
  for (const payload of [
    JSON.stringify(FIELDS),
    JSON.stringify({ p, b, m, exp, v }),
    JSON.stringify(FIELDS, null, 2),
    `{"v": 1, "exp": ${exp}, "m": "GET", "b": "media-s3", "p": "path\\/to\\/obj\\u0065ct.txt"}`,
  ])
    assert.deepEqual(check(signed(payload)), { expiresAt: NOW + MINUTE }, payload);
});

describe('what is signed but says something else than it must is malformed', () => {
  const text = JSON.stringify(FIELDS);
  const payloads: Record<string, string | Uint8Array> = {
    'no JSON': 'path/to/object.txt',
    'a list': '[1]',
    null: 'null',
    'not UTF-8': Buffer.concat([Buffer.from(text.slice(0, -2)), Buffer.from([0xff]), Buffer.from('"}')]),
    'a byte order mark': `\ufeff${text}`,
    'a field that is not known': JSON.stringify({ ...FIELDS, ip: '10.0.0.1' }),
    'a field less': JSON.stringify({ ...FIELDS, b: undefined }),
    'a path twice': `${text.slice(0, -1)},"p":"secret"}`,
    'a path twice, once escaped': `{"\\u0070":"secret",${text.slice(1)}`,
    'an expiry with a fraction': JSON.stringify({ ...FIELDS, exp: FIELDS.exp + 0.5 }),
    'an expiry as text': JSON.stringify({ ...FIELDS, exp: String(FIELDS.exp) }),
    'an expiry beyond all numbers': text.replace(String(FIELDS.exp), '1e400'),
    'an expiry before all time': JSON.stringify({ ...FIELDS, exp: -1 }),
    'another method': JSON.stringify({ ...FIELDS, m: 'DELETE' }),
    'a method in small letters': JSON.stringify({ ...FIELDS, m: 'get' }),
    'a bucket that is no text': JSON.stringify({ ...FIELDS, b: 1 }),
    'a path that is a list': JSON.stringify({ ...FIELDS, p: [FIELDS.p] }),
    'a version as text': JSON.stringify({ ...FIELDS, v: '1' }),
  };
  for (const [what, payload] of Object.entries(payloads))
    test(what, () => assert.equal(check(signed(payload)), 'malformed'));
});

test('another version is told apart', () => {
  assert.equal(check(signed(JSON.stringify({ ...FIELDS, v: 2, more: true }))), 'unsupported-version');
});

test('another spelling of the same bytes is malformed', () => {
  const sig = signPath(REQUEST, NOW + MINUTE, privateKey);
  const [payload = '', signature = ''] = sig.split('.');
  for (const spelling of [
    `${payload}=.${signature}`,
    `${payload}.${signature}==`,
    ` ${sig}`,
    `${sig}\n`,
    `${sig}.`,
    `.${sig}`,
    `${sig}.${signature}`,
    payload,
    '',
    '.',
    // Of the last letter's six bits four are left over.
    `${payload}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : String.fromCharCode(signature.charCodeAt(85) + 1)}`,
    `${payload}.${Buffer.from(signature, 'base64url').toString('base64')}`,
  ])
    assert.equal(check(spelling), 'malformed', spelling);
  assert.equal(check(`${'A'.repeat(20_000)}.${signature}`), 'malformed');
});

test('what is remembered has a limit; what was used last stays', () => {
  const sigs = ['a', 'b', 'c'].map((path) => signPath({ ...REQUEST, path }, NOW + MINUTE, privateKey));
  const [a = '', b = '', c = ''] = sigs;
  const paths = new PresignedPaths(publicKey, new ManualClock(NOW), a.length + b.length);
  for (const sig of [a, b, a, c]) paths.check(sig, REQUEST);
  assert.equal(paths.remembered, 2);
  for (const path of ['a', 'b', 'c'])
    assert.deepEqual(
      paths.check(signPath({ ...REQUEST, path }, NOW + MINUTE, privateKey), { ...REQUEST, path }),
      { expiresAt: NOW + MINUTE },
    );
});

test('the public key follows from the private one, and both are 43 letters', () => {
  assert.equal(publicKeyOf(privateKey), publicKey);
  for (const text of [publicKey, privateKey.reveal()]) assert.match(text, /^[\w-]{43}$/);
  // The pair of cachegate's own documentation.
  assert.equal(
    publicKeyOf(new Secret('NC7y4q2_rmnWBhlnEo34B9FddA0DkGlu7XGOs76bZn8')),
    'PfIG9MO7yrSFq4DNs7GPFC4CticILjGtqpoh43p3ipE',
  );
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKey, d: privateKey.reveal() };
  assert.ok(createPrivateKey({ key: jwk, format: 'jwk' }).equals(privateKeyObject(privateKey)));
});
