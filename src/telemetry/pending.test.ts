import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Histogram, Registry } from '@prometheus-io/client';
import fc from 'fast-check';
import { PendingCounter } from './pending-counter.ts';
import { PendingHistogram } from './pending-histogram.ts';

const buckets = [0.01, 0.1, 1];
const names = { name: 'x_seconds', help: 'x', labelNames: ['a', 'b'] };

test('whatever is observed, and whenever it is read, a pending histogram says what the library’s own says', async () => {
  const observation = fc.record({
    labels: fc.record({ a: fc.constantFrom('p', 'q'), b: fc.constantFrom('r', 's') }),
    value: fc.oneof(fc.constantFrom(0, 0.01, 0.1, 1, 2), fc.double({ min: 0, max: 3, noNaN: true })),
    isRead: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(observation), async (observations) => {
      const [ours, theirs] = [new Registry(), new Registry()];
      const pending = new PendingHistogram({ ...names, buckets, registers: [ours] });
      const plain = new Histogram({ ...names, buckets, registers: [theirs] });
      const handles = new Map<string, (value: number) => void>();
      for (const { labels, value, isRead } of observations) {
        const key = labels.a + labels.b;
        const handle = handles.get(key) ?? pending.of(labels);
        handles.set(key, handle);
        handle(value);
        plain.observe(labels, value);
        if (isRead) await ours.metrics();
      }
      const rounded = (text: string) =>
        text.replaceAll(/(_sum\{[^}]*\}) (.*)/g, (_, name, sum) => `${name} ${Number(sum).toFixed(9)}`);
      const lines = (text: string) => rounded(text).split('\n').sort();
      assert.deepEqual(lines(await ours.metrics()), lines(await theirs.metrics()));
    }),
  );
});

test('a pending counter says what the library’s own says', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const config = { name: 'x_total', help: 'x', labelNames: ['a'] as [string] };
  const pending = new PendingCounter({ ...config, registers: [ours] });
  const plain = new Counter({ ...config, registers: [theirs] });
  for (const [value, by] of [
    ['p', 1],
    ['q', 5],
    ['p', 2],
  ] as const) {
    pending.inc(value, by);
    plain.inc({ a: value }, by);
    await ours.metrics();
  }
  pending.inc('p');
  plain.inc({ a: 'p' });
  assert.equal(await ours.metrics(), await theirs.metrics());
});

test('a pending counter of several labels, or of none, says what the library’s own says', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const config = { name: 'x_total', help: 'x', labelNames: ['a', 'b'] };
  const pending = new PendingCounter({ ...config, registers: [ours] });
  const plain = new Counter({ ...config, registers: [theirs] });
  const [first, second] = [
    { a: 'p', b: 'r' },
    { a: 'p', b: 's' },
  ];
  const [countFirst, countSecond] = [pending.of(first), pending.of(second)];
  pending.of({ a: 'never', b: 'counted' });
  countFirst();
  countSecond(3);
  await ours.metrics();
  countFirst();
  plain.inc(first, 2);
  plain.inc(second, 3);
  const bare = { name: 'y_total', help: 'y' };
  new PendingCounter({ ...bare, registers: [ours] }).of({})(7);
  new Counter({ ...bare, registers: [theirs] }).inc(7);
  assert.equal(await ours.metrics(), await theirs.metrics());
});
