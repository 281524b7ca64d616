import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { openLogger } from '../telemetry/logger.ts';
import { httpMetrics } from './metrics.ts';
import { RequestRecords } from './request-records.ts';

for (const target of ['/media/a?sig=secret', '/media/a#sig=secret', '/media/a?#sig=secret'])
  test(`a line tells the path of ${target} and no more`, () => {
    const lines: string[] = [];
    const records = new RequestRecords({
      logger: openLogger('info', { write: (line) => void lines.push(line) }),
      metrics: httpMetrics(new Registry()),
      clock: new ManualClock(),
      requestLog: 'all',
    });
    records.ended({ id: '1', method: 'GET', target, route: '/media/*', status: 403, startedAt: 0 });
    assert.equal(lines.length, 1);
    assert.equal(JSON.parse(lines[0] ?? '').path, '/media/a');
  });
