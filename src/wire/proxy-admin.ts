/** The messages of the caching proxy's admin socket, shared with the commands that watch it. */
import { OUTCOMES, type Outcome } from './transaction.ts';

export const STATS_PATH = '/stats';
export const HISTOGRAM_PATH = '/histogram';
/** `?last=100` begins with what was last, `?follow=1` goes on with what comes. Lines of JSON. */
export const TRANSACTIONS_PATH = '/transactions';

export const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx', 'aborted'] as const;
export type StatusClass = (typeof STATUS_CLASSES)[number];

/** Counted since the proxy began. */
export interface StatsReply {
  readonly uptimeMs: number;
  readonly requests: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly statuses: Readonly<Record<StatusClass, number>>;
  /** Of answers' bodies. */
  readonly sentBytes: number;
  /** Who follows the transactions now. */
  readonly followers: number;
  /** What followers were not told, for they were too slow. */
  readonly lostLines: number;
  /** What is so much now, by names of the parts that say it, such as entries in a tier. */
  readonly gauges: Readonly<Record<string, number>>;
}

/** How many answers took how long since the proxy began; what is neither a hit nor a miss (`OUTCOME_SERIES`) is left out. */
export interface HistogramReply {
  /** The longest time of each bucket, in ms; the last one holds all that took longer, too. */
  readonly bounds: readonly number[];
  readonly hits: readonly number[];
  readonly misses: readonly number[];
}

/** A line in place of those that a slow reader lost. */
export interface LostLine {
  readonly lost: number;
}

/** Reads one off the wire; `undefined` where it is not of this form. What is missing of the counts is zero. */
export function parseStatsReply(raw: unknown): StatsReply | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { uptimeMs, requests, sentBytes, followers, lostLines, ...tables } = raw as Record<string, unknown>;
  const { outcomes, statuses, gauges } = tables;
  if (![uptimeMs, requests, sentBytes, followers, lostLines].every(isCount)) return undefined;
  if (!isCountMap(outcomes) || !isCountMap(statuses) || !isCountMap(gauges)) return undefined;
  const counts = { uptimeMs, requests, sentBytes, followers, lostLines } as Record<string, number>;
  return {
    ...(counts as Pick<StatsReply, 'uptimeMs' | 'requests' | 'sentBytes' | 'followers' | 'lostLines'>),
    outcomes: tableOf(OUTCOMES, outcomes),
    statuses: tableOf(STATUS_CLASSES, statuses),
    gauges,
  };
}

/** Likewise. */
export function parseHistogramReply(raw: unknown): HistogramReply | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { bounds, hits, misses } = raw as Record<string, unknown>;
  if (!isCountList(bounds) || !isCountList(hits) || !isCountList(misses)) return undefined;
  if (hits.length !== bounds.length || misses.length !== bounds.length) return undefined;
  return { bounds, hits, misses };
}

/** Likewise. */
export function parseLostLine(raw: unknown): LostLine | undefined {
  if (typeof raw !== 'object' || raw === null || !('lost' in raw) || !isCount(raw.lost)) return undefined;
  return { lost: raw.lost };
}

function tableOf<N extends string>(
  names: readonly N[],
  counts: Readonly<Record<string, number>>,
): Record<N, number> {
  return Object.fromEntries(names.map((name) => [name, counts[name] ?? 0])) as Record<N, number>;
}

function isCountMap(value: unknown): value is Record<string, number> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(isCount)
  );
}

function isCountList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
