import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { differences, type Expectations, type Measured, parseExpectations, score } from './expectations.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');

const EXPECTED: Expectations = {
  suite: '1',
  totals: { required: 2, optimal: 1, check: 2 },
  deviations: [
    { id: 'must-b', kind: 'required', result: 'fail', reason: 'a reason in words, of some length' },
  ],
  yes: ['check-a'],
};

const MEASURED: readonly Measured[] = [
  { id: 'must-a', kind: 'required', verdict: 'pass' },
  { id: 'must-b', kind: 'required', verdict: 'fail' },
  { id: 'could', kind: 'optimal', verdict: 'pass' },
  { id: 'check-a', kind: 'check', verdict: 'yes' },
  { id: 'check-b', kind: 'check', verdict: 'no' },
];

function measuredWith(id: string, change: Partial<Measured>): readonly Measured[] {
  return MEASURED.map((test) => (test.id === id ? { ...test, ...change } : test));
}

test('what is as expected makes no difference', () => {
  assert.deepEqual(differences(EXPECTED, MEASURED, true), []);
});

const CHANGES: Readonly<Record<string, readonly [readonly Measured[], string]>> = {
  'a test that got worse': [
    measuredWith('could', { verdict: 'optional_fail' }),
    'could (optimal): optional_fail, expected pass',
  ],
  'a test that is better than expected': [
    measuredWith('must-b', { verdict: 'pass' }),
    'must-b (required): pass, expected fail',
  ],
  'a test that fails in another way': [
    measuredWith('must-b', { verdict: 'setup_fail' }),
    'must-b (required): setup_fail, expected fail',
  ],
  'a check that is answered otherwise': [
    measuredWith('check-b', { verdict: 'yes' }),
    'check-b (check): yes, expected no',
  ],
  'a check that has no answer': [
    measuredWith('check-b', { verdict: 'dependency_fail' }),
    'check-b (check): dependency_fail, expected no',
  ],
  'a test without a result': [
    measuredWith('must-a', { verdict: 'untested' }),
    'must-a (required): untested, expected pass',
  ],
  'a test that nobody counted': [
    [...MEASURED, { id: 'new', kind: 'optimal', verdict: 'pass' }],
    'the suite has 2 optimal tests, expected 1',
  ],
};

for (const [what, [measured, said]] of Object.entries(CHANGES))
  test(`${what} is a difference`, () => {
    assert.deepEqual(differences(EXPECTED, measured, true), [said]);
  });

test('a deviation of a test that the suite has not is a difference', () => {
  const gone = MEASURED.filter(({ id }) => id !== 'must-b');
  assert.deepEqual(differences(EXPECTED, gone, true), [
    'must-b: is expected, but the suite has no such test',
    'the suite has 1 required tests, expected 2',
  ]);
});

test('a deviation whose test is of another kind now is a difference', () => {
  const measured = measuredWith('must-b', { kind: 'optimal' });
  assert.equal(differences(EXPECTED, measured, true)[0], 'must-b: is optimal now');
});

test('of one test alone no other is missed', () => {
  assert.deepEqual(differences(EXPECTED, MEASURED.slice(0, 1), false), []);
});

test('the score counts what passed, and what was answered yes', () => {
  assert.deepEqual(score(MEASURED, 'required'), { good: 1, total: 2 });
  assert.deepEqual(score(MEASURED, 'check'), { good: 1, total: 2 });
});

test('a deviation without a reason is refused', () => {
  const deviations = [{ id: 'must-b', kind: 'required', result: 'fail' }];
  assert.throws(() => parseExpectations({ ...EXPECTED, deviations }), /reason/);
});

describe('docs/conformance.md', () => {
  const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');
  const expected = parseExpectations(JSON.parse(read('test/conformance/expected.json')));
  const page = read('docs/conformance.md');

  for (const { id, reason } of expected.deviations)
    test(`gives the reason for ${id}`, () => {
      const row = page.split('\n').find((line) => line.includes(`\`${id}\``));
      assert.ok(row?.includes(reason));
    });

  for (const kind of ['required', 'optimal'] as const)
    test(`has the score that the deviations of ${kind} tests leave`, () => {
      const total = expected.totals[kind];
      const lost = expected.deviations.filter((deviation) => deviation.kind === kind).length;
      const row = page.split('\n').find((line) => line.includes('**VelocityCache**'));
      assert.ok(row?.includes(` ${total - lost}/${total} `));
    });

  test('names the state of the suite that was measured', () => {
    assert.ok(page.includes(expected.suite));
  });
});
