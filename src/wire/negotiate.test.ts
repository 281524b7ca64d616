import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestOf } from '../base/digest.ts';
import { type NegotiateReply, parseNegotiateReplies, parseNegotiateReply } from './negotiate.ts';

const replies: fc.Arbitrary<NegotiateReply> = fc.oneof(
  fc.record(
    {
      status: fc.constant('upload_needed' as const),
      url: fc.webUrl(),
      method: fc.constant('PUT' as const),
      headers: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
    },
    { noNullPrototype: true },
  ),
  fc.constant({ status: 'skipped' as const }),
  fc.constant({ status: 'missing' as const }),
  fc.constant({ status: 'forbidden' as const }),
  fc.record(
    {
      status: fc.constant('found' as const),
      url: fc.webUrl(),
      method: fc.constant('GET' as const),
      size: fc.maxSafeNat(),
      digest: fc.string().map((text) => digestOf(text)),
      provenance: fc.record(
        {
          writer: fc.string(),
          written: fc.constant('2026-03-01T12:34:56.000Z'),
          commit: fc.constant('0123abc'),
          claims: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
        },
        { requiredKeys: ['writer', 'written'], noNullPrototype: true },
      ),
    },
    { requiredKeys: ['status', 'url', 'method', 'size'], noNullPrototype: true },
  ),
);

const SIGNATURE = `${'0'.repeat(16)}.${'A'.repeat(86)}`;
const SIGNED = { signature: SIGNATURE, tenant: 'default', scope: 'main' };
const FOUND = { status: 'found', url: 'http://x', method: 'GET', size: 1 };
const NEEDED = { status: 'upload_needed', url: 'http://x', method: 'PUT', headers: {} };

/** JSON that looks like a reply here and there. */
const nearly = fc.record(
  {
    status: fc.oneof(
      fc.constantFrom('upload_needed', 'skipped', 'found', 'missing', 'forbidden'),
      fc.jsonValue(),
    ),
    url: fc.oneof(fc.webUrl(), fc.jsonValue()),
    method: fc.oneof(fc.constantFrom('GET', 'PUT'), fc.jsonValue()),
    headers: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.jsonValue()),
    size: fc.oneof(fc.nat(), fc.jsonValue()),
    digest: fc.oneof(fc.constant(digestOf('x')), fc.jsonValue()),
    provenance: fc.oneof(
      fc.record({ writer: fc.jsonValue(), written: fc.constant('2026-03-01T12:34:56Z') }),
      fc.jsonValue(),
    ),
  },
  { requiredKeys: [] },
);

test('every reply reads back from its JSON', () => {
  fc.assert(
    fc.property(replies, (reply) => {
      assert.deepEqual(parseNegotiateReply(JSON.parse(JSON.stringify(reply))), reply);
    }),
  );
});

test('any JSON reads as a reply or as none, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), nearly), (raw) => {
      const reply = parseNegotiateReply(raw);
      // What was read is a reply in every part, so it reads as itself.
      if (reply !== undefined) assert.deepEqual(parseNegotiateReply(reply), reply);
    }),
    { numRuns: 1000 },
  );
});

test('any JSON reads as the answers to a batch or as none, and never throws', () => {
  const batches = fc.oneof(fc.jsonValue(), fc.record({ items: fc.oneof(fc.jsonValue(), fc.array(nearly)) }));
  fc.assert(
    fc.property(batches, fc.nat({ max: 3 }), (raw, count) => {
      const answers = parseNegotiateReplies(raw, count);
      if (answers !== undefined) assert.equal(answers.length, count);
    }),
    { numRuns: 1000 },
  );
});

test('a reply that lacks a part, or has one of another type, is none', () => {
  const wrong = [
    { ...FOUND, url: undefined },
    { ...FOUND, url: 5 },
    { ...FOUND, method: 'PUT' },
    { ...FOUND, size: undefined },
    { ...FOUND, size: -1 },
    { ...FOUND, size: 1.5 },
    { ...FOUND, size: '1' },
    { ...FOUND, size: 2 ** 53 },
    { ...FOUND, status: 'FOUND' },
    { ...NEEDED, method: 'POST' },
    { ...NEEDED, headers: undefined },
    { ...NEEDED, headers: [] },
    { ...NEEDED, headers: { 'content-length': 5 } },
    {},
    [],
    null,
    'skipped',
  ];
  for (const raw of wrong) assert.equal(parseNegotiateReply(raw), undefined, JSON.stringify(raw));
});

test('what a later version adds to a reply is dropped', () => {
  assert.deepEqual(parseNegotiateReply({ ...FOUND, later: 1 }), FOUND);
  assert.deepEqual(parseNegotiateReply({ status: 'skipped', url: 'http://x' }), { status: 'skipped' });
});

test('what explains a find is left out where it is malformed; the find stands', () => {
  for (const provenance of [null, 'main', [], {}, { writer: 'main' }, { writer: 1, written: '' }]) {
    assert.deepEqual(parseNegotiateReply({ ...FOUND, provenance }), FOUND, JSON.stringify(provenance));
  }
});

test('a signature comes with where it was found, or is none', () => {
  assert.deepEqual(parseNegotiateReply({ ...FOUND, ...SIGNED }), { ...FOUND, ...SIGNED });
  const wrong = [
    { signature: `${SIGNATURE}=` },
    { signature: 1 },
    { tenant: undefined },
    { tenant: 'default/pr' },
    { scope: 'main\n' },
    { scope: null },
  ];
  for (const part of wrong) {
    assert.deepEqual(parseNegotiateReply({ ...FOUND, ...SIGNED, ...part }), FOUND, JSON.stringify(part));
  }
});

test('answers to a batch come in the order of its items', () => {
  const items = [{ status: 'missing' }, FOUND, NEEDED];
  assert.deepEqual(parseNegotiateReplies({ items }, 3), items);
});

test('a batch that is not answered item by item is not answered', () => {
  const missing = { status: 'missing' };
  assert.equal(parseNegotiateReplies({ items: [missing] }, 2), undefined);
  assert.equal(parseNegotiateReplies({ items: [missing, missing] }, 1), undefined);
  assert.equal(parseNegotiateReplies({ items: [missing, { status: 'lost' }] }, 2), undefined);
  assert.equal(parseNegotiateReplies({ items: [missing, { status: 'lost' }] }, 1), undefined);
  assert.equal(parseNegotiateReplies([missing], 1), undefined);
});
