import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAME_AT, dateIn, request, response } from '../../test/rig/heads.ts';
import { afterFailure, isOriginError, type OriginFailure } from './after-failure.ts';
import { type CachePolicy, RFC_POLICY } from './policy.ts';
import { reuse, reuseNothing } from './reuse.ts';
import { currentAge, type StoredFacts, storedFacts, timeToLive } from './stored-facts.ts';

function stored(lines: readonly string[], policy: Partial<CachePolicy> = {}): StoredFacts {
  return storedFacts(response([`Date: ${dateIn(0)}`, 'ETag: "a"', ...lines]), { ...RFC_POLICY, ...policy });
}

/** What becomes of a GET so many seconds later: the kind, and its reason. */
function decide(facts: StoredFacts, seconds: number, ask: readonly string[] = [], method = 'GET'): string {
  const decision = reuse(facts, request(ask, method).facts, CAME_AT + seconds * 1000);
  return 'reason' in decision ? `${decision.kind} ${decision.reason}` : decision.kind;
}

function fail(
  facts: StoredFacts,
  seconds: number,
  failure: OriginFailure,
  ask: readonly string[] = [],
): string {
  const verdict = afterFailure(facts, request(ask).facts, failure, CAME_AT + seconds * 1000);
  return `${verdict.kind} ${verdict.reason}`;
}

const MINUTE = 'Cache-Control: max-age=60';

test('a response is served until it is as old as its lifetime', () => {
  const facts = stored([MINUTE]);
  assert.equal(decide(facts, 59.999), 'serve-fresh');
  assert.equal(decide(facts, 60), 'revalidate stale');
});

test('the age with which it came is taken off its lifetime', () => {
  const facts = stored([MINUTE, 'Age: 50']);
  assert.equal(decide(facts, 9), 'serve-fresh');
  assert.equal(decide(facts, 10), 'revalidate stale');
  assert.deepEqual([currentAge(facts, CAME_AT + 9_900), timeToLive(facts, CAME_AT + 9_900)], [59, 1]);
});

test('what has no validator is fetched anew', () => {
  const facts = storedFacts(response([MINUTE]), RFC_POLICY);
  assert.equal(decide(facts, 60), 'fetch stale');
});

test('no-cache is validated, however fresh', () => {
  assert.equal(decide(stored(['Cache-Control: max-age=60, no-cache']), 0), 'revalidate no-cache');
  assert.equal(decide(stored(['Cache-Control: max-age=60, no-cache="x"']), 0), 'serve-fresh');
});

test('only GET and HEAD are answered, and none whose condition is for the origin', () => {
  const facts = stored([MINUTE]);
  assert.equal(decide(facts, 0, [], 'HEAD'), 'serve-fresh');
  assert.equal(decide(facts, 0, [], 'POST'), 'fetch method');
  for (const line of ['If-Match: "a"', `If-Unmodified-Since: ${dateIn(0)}`])
    assert.equal(decide(facts, 0, [line]), 'fetch origin-condition');
});

test('a request may want it fresher', () => {
  const facts = stored(['Cache-Control: max-age=60', 'Age: 10']);
  const cases: Readonly<Record<string, string>> = {
    'no-cache': 'revalidate request-no-cache',
    'max-age=0': 'revalidate request-max-age',
    'max-age=9': 'revalidate request-max-age',
    'max-age=10': 'serve-fresh',
    'min-fresh=51': 'revalidate request-min-fresh',
    'min-fresh=50': 'serve-fresh',
    'no-store': 'serve-fresh',
    'nothing-to-see-here': 'serve-fresh',
    'only-if-cached': 'serve-fresh',
    'only-if-cached, no-cache': 'unavailable only-if-cached',
  };
  for (const [line, verdict] of Object.entries(cases))
    assert.equal(decide(facts, 0, [`Cache-Control: ${line}`]), verdict, line);
});

test('max-age=0 asks for a new one, even within the second in which the stored one came', () => {
  assert.equal(decide(stored([MINUTE]), 0, ['Cache-Control: max-age=0']), 'revalidate request-max-age');
  assert.equal(decide(stored([MINUTE]), 0, ['Cache-Control: max-age=1']), 'serve-fresh');
});

test('or be content with a stale one, unless the origin forbids it', () => {
  const ask = (words: string) => [`Cache-Control: ${words}`];
  assert.equal(decide(stored([MINUTE]), 70, ask('max-stale')), 'serve-stale request-max-stale');
  assert.equal(decide(stored([MINUTE]), 70, ask('max-stale=10')), 'serve-stale request-max-stale');
  assert.equal(decide(stored([MINUTE]), 71, ask('max-stale=10')), 'revalidate stale');
  for (const words of ['max-age=60, must-revalidate', 'max-age=60, proxy-revalidate', 's-maxage=60'])
    assert.equal(
      decide(stored([`Cache-Control: ${words}`]), 70, ask('max-stale')),
      'revalidate stale',
      words,
    );
});

test('an operator can have requests say nothing', () => {
  const asked = { ...request(['Cache-Control: no-cache']).facts, directives: undefined };
  assert.equal(reuse(stored([MINUTE]), asked, CAME_AT).kind, 'serve-fresh');
});

test('Pragma is not looked at', () => {
  assert.equal(decide(stored([MINUTE]), 0, ['Pragma: no-cache']), 'serve-fresh');
});

test('a request for what is stored or nothing gets nothing where nothing is', () => {
  assert.equal(reuseNothing(request(['Cache-Control: only-if-cached']).facts), 'unavailable');
  assert.equal(reuseNothing(request().facts), 'fetch');
});

test('within stale-while-revalidate a stale response is served while it is validated', () => {
  const facts = stored(['Cache-Control: max-age=60, stale-while-revalidate=10']);
  assert.equal(decide(facts, 69), 'serve-stale stale-while-revalidate');
  assert.equal(decide(facts, 70), 'revalidate stale');
});

test('the operator may grant a grace where the origin says nothing', () => {
  const grace = { graceSeconds: 10 };
  assert.equal(decide(stored([MINUTE], grace), 69), 'serve-stale stale-while-revalidate');
  const own = stored(['Cache-Control: max-age=60, stale-while-revalidate=0'], grace);
  assert.equal(decide(own, 61), 'revalidate stale');
  assert.equal(decide(stored(['Cache-Control: max-age=60, must-revalidate'], grace), 61), 'revalidate stale');
});

test('what was never fresh has no grace', () => {
  const grace = { graceSeconds: 10 };
  for (const lines of [['Cache-Control: max-age=0'], ['Expires: 0'], []])
    assert.equal(decide(stored(lines, grace), 0), 'revalidate stale');
  const said = stored(['Cache-Control: max-age=0, stale-while-revalidate=5'], grace);
  assert.equal(decide(said, 4), 'serve-stale stale-while-revalidate');
});

test('beside s-maxage nothing is served stale, unless the operator lets the origin say otherwise', () => {
  const line = 'Cache-Control: s-maxage=60, stale-while-revalidate=10';
  assert.equal(decide(stored([line]), 61), 'revalidate stale');
  const lenient = { staleDespiteSMaxage: true, graceSeconds: 100 };
  assert.equal(decide(stored([line], lenient), 61), 'serve-stale stale-while-revalidate');
  assert.equal(decide(stored(['Cache-Control: s-maxage=60'], lenient), 61), 'revalidate stale');
  assert.equal(fail(stored(['Cache-Control: s-maxage=60'], lenient), 61, 'unreachable'), 'fail too-stale');
});

test('a clock that was set back makes no response immortal, and none younger than it came', () => {
  const facts = stored([MINUTE, 'Age: 10']);
  assert.equal(decide(facts, -59), 'serve-fresh');
  assert.equal(decide(facts, -61), 'revalidate stale');
  assert.equal(currentAge(facts, CAME_AT - 86_400_000), 10);
});

test('while the origin is away a stale response is served for a time', () => {
  const facts = stored([MINUTE], { staleIfUnreachableSeconds: 100 });
  assert.equal(fail(facts, 159, 'unreachable'), 'serve-stored unreachable');
  assert.equal(fail(facts, 160, 'unreachable'), 'fail too-stale');
});

test('an error of the origin is passed on, unless something says that a stale response is better', () => {
  assert.equal(fail(stored([MINUTE]), 61, 'error-status'), 'fail too-stale');
  assert.equal(
    fail(stored([MINUTE], { staleIfErrorSeconds: 5 }), 61, 'error-status'),
    'serve-stored error-status',
  );
});

test('stale-if-error says for how long, whatever the policy', () => {
  const facts = stored(['Cache-Control: max-age=60, stale-if-error=10'], { staleIfUnreachableSeconds: 1000 });
  for (const failure of ['unreachable', 'error-status'] as const) {
    assert.equal(fail(facts, 69, failure), `serve-stored ${failure}`);
    assert.equal(fail(facts, 70, failure), 'fail too-stale');
  }
});

test('what must be validated is never served instead of an error', () => {
  for (const words of ['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=60'])
    assert.equal(
      fail(stored([`Cache-Control: max-age=60, stale-if-error=1000, ${words}`]), 61, 'unreachable'),
      'fail never-stale',
      words,
    );
});

test('where a request wanted it fresher than it had to be, it is served as it is', () => {
  const facts = stored(['Cache-Control: max-age=60, must-revalidate']);
  assert.equal(fail(facts, 30, 'unreachable', ['Cache-Control: max-age=5']), 'serve-stored unreachable');
  assert.equal(fail(facts, 30, 'unreachable', ['Cache-Control: no-cache']), 'fail request-no-cache');
});

test('four statuses are errors of the origin', () => {
  assert.deepEqual([404, 500, 501, 502, 503, 504, 505].filter(isOriginError), [500, 502, 503, 504]);
});
