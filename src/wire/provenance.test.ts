import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  isCommit,
  PROVENANCE_METADATA,
  provenanceMetadata,
  readProvenance,
  type Writing,
} from './provenance.ts';

const NOW = Date.parse('2026-03-01T12:34:56.789Z');
const SHA = '0123456789abcdef0123456789abcdef01234567';

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 2000 }),
  fc.string({ unit: fc.constantFrom(' ', '"', '\\', 'ü', '🚀', '\n'), maxLength: 2000 }),
);
const claimName = fc.oneof(
  fc.constantFrom('repository', 'ref', 'sha', 'run_id', 'environment', 'project_path', 'ref_protected'),
  fc.string(),
);
const writings: fc.Arbitrary<Writing> = fc.record({
  writer: anyText,
  writtenAt: fc.constant(NOW),
  commit: fc.option(fc.stringMatching(/^[0-9a-f]{7,64}$/), { nil: undefined }),
  claims: fc.option(fc.dictionary(claimName, anyText, { noNullPrototype: true }), { nil: undefined }),
});

function read(writing: Writing) {
  return readProvenance({ [PROVENANCE_METADATA]: provenanceMetadata(writing) });
}

test('whatever a token says, it is kept as less than 1,700 printable letters without runs of blanks', () => {
  fc.assert(
    fc.property(writings, (writing) => {
      const kept = provenanceMetadata(writing);
      assert.match(kept, /^[ -~]*$/);
      assert.doesNotMatch(kept, / {2}/);
      assert.ok(kept.length < 1700, String(kept.length));
    }),
  );
});

test('what was kept reads back, and was not altered but for its length', () => {
  fc.assert(
    fc.property(writings, (writing) => {
      const provenance = read(writing);
      assert.ok(provenance);
      assert.equal(provenance.written, '2026-03-01T12:34:56.789Z');
      assert.ok(writing.writer.startsWith(provenance.writer));
      for (const [name, value] of Object.entries(provenance.claims ?? {}))
        assert.equal(writing.claims?.[name], value);
    }),
  );
});

test('of the claims only those that tell where an artifact comes from are kept', () => {
  const claims = { repository: 'acme/shop', aud: 'cache', jti: 'x', ref: 'refs/heads/a  b' };
  const provenance = read({ writer: 'w', writtenAt: NOW, claims });
  assert.deepEqual(provenance?.claims, { repository: 'acme/shop', ref: 'refs/heads/a  b' });
});

test('a claim that does not fit is left out and costs no other its place', () => {
  const claims = { repository: 'acme/shop', ref: 'x'.repeat(1100), sha: SHA, environment: 'production' };
  const provenance = read({ writer: 'w', writtenAt: NOW, claims });
  assert.deepEqual(provenance?.claims, { repository: 'acme/shop', sha: SHA, environment: 'production' });
});

test('the commit that a token proves goes before the one that the client says', () => {
  const commit = 'abcdef0';
  const of = (claims?: Record<string, string>) =>
    read({ writer: 'w', writtenAt: NOW, commit, claims })?.commit;
  assert.equal(of({ sha: SHA }), SHA);
  assert.equal(of({ sha: 'main' }), commit);
  assert.equal(of(), commit);
});

test('metadata of any form reads as provenance or as none, and never throws', () => {
  const nearly = fc.record(
    {
      writer: anyText,
      written: fc.constant('2026-03-01T12:34:56Z'),
      commit: anyText,
      claims: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        nearly.map((raw) => JSON.stringify(raw)),
      ),
      (text) => {
        const provenance = readProvenance({ [PROVENANCE_METADATA]: text });
        if (provenance?.commit !== undefined) assert.ok(isCommit(provenance.commit));
      },
    ),
  );
  assert.equal(readProvenance({}), undefined);
});
