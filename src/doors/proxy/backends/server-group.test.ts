import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { type StubAnswer, StubOrigin } from '../../../../test/rig/stub-origin.ts';
import type { OriginRequest } from '../origin/origin-client.ts';
import { OriginError, type OriginFailure } from '../origin/origin-error.ts';
import { ServerGroup } from './server-group.ts';

const GET: OriginRequest = { method: 'GET', target: '/', fields: ['Host', 'a'] };
const well = (): number => 200;
const failing =
  (failure: OriginFailure): StubAnswer =>
  () => {
    throw new OriginError(failure);
  };

class Server {
  isWell = true;
  readonly client: StubOrigin;

  constructor(...answers: readonly StubAnswer[]) {
    this.client = new StubOrigin(...answers);
  }
}

function groupOf(servers: readonly Server[], retries = 1) {
  const group = { retried: 0 };
  const onRetry = (): void => void group.retried++;
  return Object.assign(new ServerGroup({ servers, retries, onRetry }), { count: group });
}

describe('the servers of a group', () => {
  test('take turns', async () => {
    const servers = [new Server(well, well), new Server(well, well), new Server(well)];
    const group = groupOf(servers);
    for (let round = 0; round < 5; round++) await group.send(GET);
    assert.deepEqual(
      servers.map(({ client }) => client.asked.length),
      [2, 2, 1],
    );
  });

  test('that are sick are left out, and where all are nobody is asked', async () => {
    const servers = [new Server(), new Server(well, well)];
    const group = groupOf(servers);
    for (const server of servers) server.isWell = false;
    assert.equal(group.isHealthy, false);
    await assert.rejects(group.send(GET), { code: 'BACKEND_SICK' });
    await assert.rejects(group.upgrade(GET, 'websocket'), { code: 'BACKEND_SICK' });
    assert.ok(servers[1]);
    servers[1].isWell = true;
    assert.equal(group.isHealthy, true);
    for (let round = 0; round < 2; round++) assert.equal((await group.send(GET)).status, 200);
  });

  test('are closed together', () => {
    const servers = [new Server(), new Server()];
    groupOf(servers).close();
    assert.ok(servers.every(({ client }) => client.isClosed));
  });
});

describe('another server is asked', () => {
  for (const failure of ['refused', 'timeout-connect', 'reset'] as const)
    test(`after ${failure}`, async () => {
      const servers = [new Server(failing(failure)), new Server(well)];
      const group = groupOf(servers);
      assert.equal((await group.send(GET)).status, 200);
      assert.equal(group.count.retried, 1);
    });

  test('as often as it is allowed, and never one that was asked already', async () => {
    const servers = [0, 1, 2].map(() => new Server(failing('refused'), failing('refused')));
    await assert.rejects(groupOf(servers, 1).send(GET), { code: 'ORIGIN_FAILED' });
    assert.equal(servers.flatMap(({ client }) => client.asked).length, 2);
    const alone = new Server(failing('reset'));
    await assert.rejects(groupOf([alone], 5).send(GET), { code: 'ORIGIN_FAILED' });
    assert.equal(alone.client.asked.length, 1);
  });

  test('to switch protocols only where nothing was said to the first', async () => {
    assert.equal(
      (await groupOf([new Server(failing('refused')), new Server(well)]).upgrade(GET, 'w')).kind,
      'answer',
    );
    const [first, second] = [new Server(failing('reset')), new Server(well)];
    await assert.rejects(groupOf([first, second]).upgrade(GET, 'w'), { failure: 'reset' });
    assert.equal(second.client.asked.length, 0);
  });
});

describe('no other server is asked', () => {
  const bystander = (): Server => new Server(well);

  test('after failures that might be an answer to the request', async () => {
    for (const failure of [
      'malformed',
      'timeout-headers',
      'timeout-idle',
      'too-large-head',
      'tls',
    ] as const) {
      const other = bystander();
      await assert.rejects(groupOf([new Server(failing(failure)), other]).send(GET), { failure });
      assert.equal(other.client.asked.length, 0);
    }
  });

  test('what may not be sent twice, or has a body', async () => {
    const body = Readable.from([]);
    for (const request of [
      { ...GET, method: 'POST' },
      { ...GET, method: 'PATCH' },
      { ...GET, method: 'PUT', body },
    ]) {
      const other = bystander();
      await assert.rejects(groupOf([new Server(failing('refused')), other]).send(request));
      assert.equal(other.client.asked.length, 0);
    }
  });

  test('once an interim answer was passed on', async () => {
    const passed: number[] = [];
    const other = bystander();
    const hinting: StubAnswer = ({ onInterim }) => {
      onInterim?.(103, []);
      throw new OriginError('reset');
    };
    const onInterim = (status: number): void => void passed.push(status);
    await assert.rejects(groupOf([new Server(hinting), other]).send(GET, { onInterim }));
    assert.deepEqual(passed, [103]);
    assert.equal(other.client.asked.length, 0);
  });

  test('for a client that is gone', async () => {
    const gone = new AbortController();
    const other = bystander();
    const leaving: StubAnswer = () => {
      gone.abort();
      throw new OriginError('reset');
    };
    await assert.rejects(groupOf([new Server(leaving), other]).send(GET, { signal: gone.signal }));
    assert.equal(other.client.asked.length, 0);
  });
});
