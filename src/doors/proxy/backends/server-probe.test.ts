import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { type StubAnswer, StubOrigin } from '../../../../test/rig/stub-origin.ts';
import { OriginError } from '../origin/origin-error.ts';
import { ServerProbe } from './server-probe.ts';

const good = (): number => 204;
const bad = (): number => 500;
const refusing: StubAnswer = () => {
  throw new OriginError('refused');
};
const never: StubAnswer = ({ signal }) =>
  new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
  });

class Probing {
  readonly clock = new ManualClock();
  readonly changes: string[] = [];
  readonly client: StubOrigin;
  readonly probe: ServerProbe;

  constructor(answers: readonly StubAnswer[], window = 3, threshold = 2) {
    this.client = new StubOrigin(...answers);
    this.probe = new ServerProbe({
      ...{ target: '/up?x', interval: 1_000, timeout: 100, window, threshold },
      ...{ clock: this.clock, client: this.client, host: 'app' },
      expected: [{ first: 200, last: 299 }],
      onChange: (isWell, why) => this.changes.push(`${isWell ? 'well' : 'sick'}: ${why}`),
    });
  }

  /** Whether it was well after each of so many probes. */
  async rounds(count: number): Promise<boolean[]> {
    const seen: boolean[] = [];
    this.probe.start();
    for (let round = 0; round < count; round++) {
      if (round > 0) this.clock.advance(1_000);
      await setImmediate();
      seen.push(this.probe.isWell);
    }
    return seen;
  }
}

describe('a probed server', () => {
  test('is well before its first probe, and sick if that fails', async () => {
    const probing = new Probing([bad, bad]);
    assert.equal(probing.probe.isWell, true);
    assert.deepEqual(await probing.rounds(2), [false, false]);
    assert.deepEqual(probing.changes, ['sick: 500']);
  });

  test('is well while enough of its latest probes are good', async () => {
    const probing = new Probing([good, good, good, bad, refusing, good, good]);
    assert.deepEqual(await probing.rounds(7), [true, true, true, true, false, false, true]);
    assert.deepEqual(probing.changes, ['sick: The origin takes no connection.', 'well: 204']);
  });

  test('is asked for its address under its name', async () => {
    const probing = new Probing([good]);
    await probing.rounds(1);
    const [request] = probing.client.asked;
    assert.equal(request?.target, '/up?x');
    assert.deepEqual(request?.fields.slice(0, 2), ['Host', 'app']);
  });

  test('fails a probe by not answering in time', async () => {
    const probing = new Probing([never]);
    await probing.rounds(1);
    assert.equal(probing.probe.isWell, true);
    probing.clock.advance(100);
    await setImmediate();
    assert.equal(probing.probe.isWell, false);
    assert.deepEqual(probing.changes, ['sick: no answer in 100 ms']);
  });

  test('is left alone once probing stops', async () => {
    const probing = new Probing([never, good]);
    await probing.rounds(1);
    probing.probe.stop();
    await setImmediate();
    probing.clock.advance(10_000);
    await setImmediate();
    assert.equal(probing.client.asked.length, 1);
    assert.equal(probing.client.isClosed, true);
    assert.deepEqual(probing.changes, []);
  });
});
