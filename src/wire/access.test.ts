import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AccessReply, parseAccessReply } from './access.ts';

const names = fc.stringMatching(/^[a-z0-9]{1,9}$/);
const replies: fc.Arbitrary<AccessReply> = fc.record(
  {
    tenant: names,
    writeScope: fc.option(names),
    readScopes: fc.array(names),
    rights: fc.array(fc.string()),
    expires: fc.option(fc.constant('2027-01-31T00:00:00.000Z')),
  },
  { noNullPrototype: true },
);

test('every reply reads back from its JSON', () => {
  fc.assert(
    fc.property(replies, (reply) => {
      assert.deepEqual(parseAccessReply(JSON.parse(JSON.stringify(reply))), reply);
    }),
  );
});

test('any JSON reads as a reply or as none, and never throws', () => {
  const nearly = fc.tuple(
    replies,
    fc.constantFrom('tenant', 'writeScope', 'readScopes', 'rights', 'expires'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue(),
        nearly.map(([reply, name, value]) => ({ ...reply, [name]: value })),
      ),
      (raw) => {
        const reply = parseAccessReply(raw);
        if (reply !== undefined) assert.deepEqual(parseAccessReply(reply), reply);
      },
    ),
  );
});

test('a scope that is no scope’s name is none: it would be signed', () => {
  const reply = { tenant: 'default', writeScope: 'main', readScopes: [], rights: [], expires: null };
  assert.ok(parseAccessReply(reply));
  for (const name of ['', 'a/b', 'main\nx', 'A']) {
    assert.equal(parseAccessReply({ ...reply, writeScope: name }), undefined);
    assert.equal(parseAccessReply({ ...reply, tenant: name }), undefined);
  }
});
