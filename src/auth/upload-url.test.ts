import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestOf } from '../base/digest.ts';
import { Secret } from '../base/secret.ts';
import { type UploadPlace, UploadUrls } from './upload-url.ts';

const NOW = Date.UTC(2026, 0, 1);
const FUTURE = NOW / 1000 + 60;
const urls = new UploadUrls(new Secret('a secret of both servers'));

const PLACE: UploadPlace = { tenant: 'acme', scope: 'pr-7', entry: digestOf('an entry'), id: 'f00d' };

const names = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/);
const places: fc.Arbitrary<UploadPlace> = fc.record({
  tenant: names,
  scope: names,
  entry: fc.string().map((text) => digestOf(text)),
  id: fc.stringMatching(/^[0-9a-f]{32}$/),
});

function refusal(query: string, place = PLACE): unknown {
  return urls.refusal(place, new URLSearchParams(query), NOW);
}

test('a signed URL opens its place, whichever part is sent', () => {
  fc.assert(
    fc.property(places, fc.base64String(), (place, block) => {
      const query = urls.sign(place, FUTURE);
      const part = `&comp=block&blockid=${encodeURIComponent(block)}&timeout=30`;
      assert.equal(refusal(query, place), undefined);
      assert.equal(refusal(query + part, place), undefined);
    }),
  );
});

test('it opens no other place', () => {
  fc.assert(
    fc.property(places, places, (place, other) => {
      fc.pre(JSON.stringify(Object.values(place)) !== JSON.stringify(Object.values(other)));
      assert.equal(refusal(urls.sign(place, FUTURE), other), 'bad-signature');
    }),
  );
  for (const changed of [{ tenant: 'other' }, { scope: 'main' }, { entry: digestOf('else') }, { id: 'beef' }])
    assert.equal(refusal(urls.sign(PLACE, FUTURE), { ...PLACE, ...changed }), 'bad-signature');
});

test('a query that is altered, doubled or added to opens nothing', () => {
  const query = urls.sign(PLACE, FUTURE);
  assert.equal(refusal(query.replace(`exp=${FUTURE}`, `exp=${FUTURE + 1}`)), 'bad-signature');
  assert.equal(refusal(query.replace(/&sig=.*/, '')), 'unsigned');
  assert.equal(refusal(query.replace(/exp=\d+&/, '')), 'malformed');
  assert.equal(refusal(`${query}&exp=${FUTURE}`), 'malformed');
  assert.equal(refusal(`${query}&comp=block&comp=blocklist`), 'malformed');
  assert.equal(refusal(`${query}&key=main`), 'malformed');
});

test('a URL past its expiry is refused as such', () => {
  assert.equal(refusal(urls.sign(PLACE, NOW / 1000)), 'expired');
});

test('a server with another secret opens none of them', () => {
  const others = new UploadUrls(new Secret('another secret'));
  assert.equal(refusal(others.sign(PLACE, FUTURE)), 'bad-signature');
});
