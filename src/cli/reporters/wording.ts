import { formatByteSize } from '../../base/byte-size.ts';
import type { CacheKey } from '../../base/cache-key.ts';
import { formatDuration } from '../../base/duration.ts';
import { unreachable } from '../../base/unreachable.ts';
import type { NotStored, RunSummary, TaskOutcome } from '../../runner/events.ts';

/** A task's outcome in a few words, for its status line. */
export function describeOutcome(outcome: TaskOutcome, key: CacheKey): string {
  const short = key.slice(0, 12);
  switch (outcome.status) {
    case 'hit': {
      const saved = `saved ${formatDuration(outcome.savedMs)}`;
      if (outcome.source === 'unchanged') return `unchanged, ${saved} (${short})`;
      return `hit (${outcome.source}, ${formatByteSize(outcome.sizeBytes)}, ${formatDuration(outcome.durationMs)}), ${saved} (${short})`;
    }
    case 'executed': {
      const kept = outcome.stored === 'stored' ? '' : `, not cached: ${describeNotStored(outcome.stored)}`;
      return `ran in ${formatDuration(outcome.durationMs)}${kept} (${short})`;
    }
    case 'failed':
      return `failed with exit code ${outcome.exitCode} after ${formatDuration(outcome.durationMs)} (${short})`;
    case 'interrupted':
      return 'interrupted';
    case 'passed-over':
      return `not run: ${PASSED_OVER[outcome.why]}`;
    default:
      return unreachable(outcome);
  }
}

const PASSED_OVER = {
  'dependency-failed': 'a task it needs failed',
  'run-stopped': 'another task failed',
  interrupted: 'interrupted',
} as const;

function describeNotStored(why: NotStored): string {
  const words = {
    'cache-off': 'its cache is off',
    'not-writable': 'no cache may be written',
    'inputs-changed': 'its inputs changed while it ran',
    'dependency-unsettled': 'a task it needs was not kept',
    'uncacheable-output': 'an output cannot be kept',
    'store-failed': 'it could not be stored',
  } as const;
  return words[why];
}

/** The last line: how many tasks, where they came from, what that saved. */
export function describeSummary(summary: RunSummary): string {
  const { tasks, hits, executed, failed, passedOver, savedMs, durationMs } = summary;
  const hitCount = hits.unchanged + hits.local + hits.remote;
  const parts = [`${tasks} ${tasks === 1 ? 'task' : 'tasks'}`];
  if (hitCount > 0) {
    const sources = (['unchanged', 'local', 'remote'] as const).flatMap((source) =>
      hits[source] > 0 ? [`${hits[source]} ${source}`] : [],
    );
    parts.push(`${hitCount} ${hitCount === 1 ? 'hit' : 'hits'} (${sources.join(', ')})`);
  }
  if (executed > 0) parts.push(`${executed} ran`);
  if (failed.length > 0) parts.push(`${failed.length} failed`);
  if (passedOver > 0) parts.push(`${passedOver} not run`);
  if (hitCount > 0) parts.push(`saved ${formatDuration(savedMs)}`);
  const done = `${parts.join(' · ')} · ${formatDuration(durationMs)}`;
  return tasks > 0 && hitCount === tasks ? `${done} · full velocity` : done;
}
