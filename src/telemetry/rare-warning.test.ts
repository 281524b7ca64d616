import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { openLogger } from './logger.ts';
import { RareWarning } from './rare-warning.ts';

test('the first is told at once, and those of an hour in one line with their number', () => {
  const lines: Record<string, unknown>[] = [];
  const logger = openLogger('info', { write: (line) => void lines.push(JSON.parse(line)) });
  const clock = new ManualClock();
  const warning = new RareWarning({ logger, clock }, 'it happened');
  for (let time = 0; time < 5; time++) warning.happened({ time });
  clock.advance(3600_000);
  warning.happened({ time: 5 });
  assert.deepEqual(
    lines.map(({ message, time, times }) => [message, time, times]),
    [
      ['it happened', 0, 1],
      ['it happened', 5, 5],
    ],
  );
});
