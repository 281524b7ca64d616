import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GuestFailure } from '../guest/guest-failure.ts';
import { POLICY_HOOKS, type PolicyHook } from '../policy.ts';
import { readDecision } from './read-decision.ts';

const NO_EDITS = { set: [], remove: [] };

test('no answer, an empty object and nulls are to go on as without a policy', () => {
  for (const text of ['', '{}', ' { } ']) {
    assert.deepEqual(readDecision('vcl_recv', text), { action: 'hash', edits: NO_EDITS });
    assert.deepEqual(readDecision('vcl_hash', text), { key: '' });
    assert.deepEqual(readDecision('vcl_hit', text), { action: 'deliver' });
    assert.deepEqual(readDecision('vcl_backend_fetch', text), { action: 'fetch', edits: NO_EDITS });
    assert.deepEqual(readDecision('vcl_backend_response', text), { edits: NO_EDITS });
    assert.deepEqual(readDecision('vcl_deliver', text), { edits: NO_EDITS });
  }
  const nulls = '{"action":null,"url":null,"set":null,"remove":null,"synth":null}';
  assert.deepEqual(readDecision('vcl_recv', nulls), { action: 'hash', edits: NO_EDITS });
});

test('every decision has its words', () => {
  assert.deepEqual(
    readDecision(
      'vcl_recv',
      '{"action":"pass","url":"/x?y","set":{"X-A":"1","X-B":["2","3"]},"remove":["Cookie"]}',
    ),
    { action: 'pass', url: '/x?y', edits: { set: ['X-A', '1', 'X-B', '2', 'X-B', '3'], remove: ['cookie'] } },
  );
  assert.deepEqual(
    readDecision('vcl_recv', '{"action":"synth","synth":{"status":403,"headers":{"X":"y"},"body":"no"}}'),
    {
      action: 'synth',
      edits: NO_EDITS,
      synthetic: { status: 403, fields: ['X', 'y'], body: 'no' },
    },
  );
  assert.deepEqual(readDecision('vcl_hash', '{"key":"mobile"}'), { key: 'mobile' });
  assert.deepEqual(readDecision('vcl_hit', '{"action":"miss"}'), { action: 'miss' });
  assert.deepEqual(readDecision('vcl_backend_response', '{"ttl":0,"grace":1.5,"store":false}'), {
    edits: NO_EDITS,
    ttl: 0,
    grace: 1.5,
    isStored: false,
  });
  assert.deepEqual(readDecision('vcl_deliver', '{"status":404,"set":{"X":""}}'), {
    status: 404,
    edits: { set: ['X', ''], remove: [] },
  });
});

describe('what is not understood to the letter is no decision', () => {
  const cases: readonly [PolicyHook, string, RegExp][] = [
    ['vcl_recv', 'pass', /vcl_recv answered what is no JSON: "pass"/],
    ['vcl_recv', '"pass"', /vcl_recv is to be an object, not "pass"/],
    ['vcl_recv', '[]', /is to be an object/],
    ['vcl_recv', 'null', /is to be an object/],
    ['vcl_recv', '{"actoin":"pass"}', /vcl_recv has no "actoin" \(did you mean "action"\?\)/],
    ['vcl_recv', '{"__proto__":{"action":"pass"}}', /has no "__proto__"/],
    [
      'vcl_recv',
      '{"action":"deliver"}',
      /vcl_recv\.action is to be "hash" or "pass" or "synth", not "deliver"/,
    ],
    ['vcl_recv', '{"action":"synth"}', /vcl_recv\.synth is to be an answer/],
    ['vcl_recv', '{"action":"pass","synth":{"status":200}}', /vcl_recv\.synth is to be nothing/],
    [
      'vcl_recv',
      '{"action":"synth","synth":{"status":100}}',
      /synth\.status is to be a number between 200 and 599/,
    ],
    ['vcl_recv', '{"action":"synth","synth":{"status":200.5}}', /a whole number/],
    ['vcl_recv', '{"action":"synth","synth":{}}', /synth\.status/],
    [
      'vcl_recv',
      '{"action":"synth","synth":{"status":304,"body":"x"}}',
      /synth\.body is to be nothing, for a 304/,
    ],
    ['vcl_recv', '{"url":"http://other/"}', /vcl_recv\.url is to be a path/],
    ['vcl_recv', '{"url":"/a b"}', /vcl_recv\.url/],
    ['vcl_recv', '{"url":"/a\\r\\nX: y"}', /vcl_recv\.url/],
    ['vcl_recv', '{"url":"/a#b"}', /vcl_recv\.url/],
    ['vcl_recv', '{"set":{"X":"a\\r\\nY: b"}}', /names with texts that a line can hold.*\("X"\)/],
    ['vcl_recv', '{"set":{"X":" a"}}', /\("X"\)/],
    ['vcl_recv', '{"set":{"X":"€"}}', /\("X"\)/],
    ['vcl_recv', '{"set":{"X":1}}', /\("X"\)/],
    ['vcl_recv', '{"set":{"X Y":"a"}}', /of names that a line can have/],
    ['vcl_recv', '{"set":{"":"a"}}', /of names that a line can have/],
    ['vcl_recv', '{"set":["a"]}', /vcl_recv\.set is to be an object/],
    [
      'vcl_recv',
      '{"set":{"Transfer-Encoding":"chunked"}}',
      /without "Transfer-Encoding", which is for the proxy/,
    ],
    ['vcl_recv', '{"remove":["content-length"]}', /without "content-length"/],
    ['vcl_recv', '{"set":{"Host":"x"}}', /without "Host"/],
    ['vcl_recv', '{"remove":"cookie"}', /vcl_recv\.remove is to be a list/],
    ['vcl_recv', '{"remove":[1]}', /of names/],
    ['vcl_recv', `{"action":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /not a list/],
    ['vcl_hash', '{"key":5}', /vcl_hash\.key is to be a text, not 5/],
    ['vcl_hash', JSON.stringify({ key: 'x'.repeat(5_000) }), /up to 4096 characters/],
    ['vcl_backend_response', '{"ttl":-1}', /ttl is to be a number between 0 and/],
    ['vcl_backend_response', '{"ttl":1e300}', /ttl/],
    ['vcl_backend_response', '{"store":"no"}', /store is to be true or false/],
    ['vcl_deliver', '{"status":101}', /status/],
    ['vcl_deliver', JSON.stringify({ set: { X: Array(101).fill('a') } }), /up to 100 lines/],
  ];
  for (const [hook, text, reason] of cases)
    test(text.slice(0, 70), () => {
      assert.throws(
        () => readDecision(hook, text),
        (error: Error) => {
          assert.ok(error instanceof GuestFailure && error.kind === 'answer');
          assert.match(error.message, reason);
          return true;
        },
      );
    });
});

test('whatever a guest answers is a decision of the right shape, or a failure that says what is wrong', () => {
  const word = fc.constantFrom(
    'action',
    'set',
    'remove',
    'synth',
    'url',
    'key',
    'ttl',
    'status',
    'body',
    'headers',
    'pass',
    'hash',
    'X-A',
  );
  const json = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.oneof(word, fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(word, fc.string()), tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  const text = fc.oneof(
    json.map((value) => JSON.stringify(value)),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.constantFrom(...POLICY_HOOKS), text, (hook, answer) => {
      let decision: object;
      try {
        decision = readDecision(hook, answer);
      } catch (error) {
        assert.ok(error instanceof GuestFailure, String(error));
        assert.ok(error.message.length > 10 && error.message.length < 400);
        return;
      }
      const { set, remove } = 'edits' in decision ? (decision.edits as typeof NO_EDITS) : NO_EDITS;
      assert.equal(set.length % 2, 0);
      for (const part of [...set, ...remove]) assert.doesNotMatch(part, /[\r\n\0]/);
    }),
    { numRuns: 3_000 },
  );
});
