/** What runs in a thread of the pool: reads files by their descriptors, which all threads of a process share. */
import { readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { DigestMeter } from '../digest.ts';
import { messageOf } from '../errors.ts';
import { type DigestAnswer, type DigestOrder, SLAB_BYTES } from './digest-messages.ts';

interface Reading {
  readonly id: number;
  readonly fd: number;
  readonly meter: DigestMeter;
  upTo: number;
  isWhole: boolean;
  /** Told when an answer is due. */
  failure: string | undefined;
}

const slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
const readings = new Map<number, Reading>();
/** Those with something to do, in the order of their turns. */
const ready = new Set<Reading>();
let isWorking = false;

parentPort?.on('message', (order: DigestOrder) => {
  if (order.kind === 'abort') abort(order.id);
  else take(order);
  if (isWorking || ready.size === 0) return;
  isWorking = true;
  setImmediate(work);
});

function take({ id, fd, upTo, isWhole }: DigestOrder & { kind: 'read' }): void {
  let reading = readings.get(id);
  if (!reading) {
    reading = { id, fd, meter: new DigestMeter(), upTo, isWhole, failure: undefined };
    readings.set(id, reading);
  }
  reading.upTo = upTo;
  reading.isWhole = isWhole;
  ready.add(reading);
}

/** Of one that nothing was said of yet, or that was answered in the meantime, nothing is left to do. */
function abort(id: number): void {
  const reading = readings.get(id);
  if (reading) forget(reading);
  send({ id, kind: 'aborted' });
}

/** A slab of one file; then all that was said meanwhile is heard. */
function work(): void {
  const [reading] = ready;
  if (reading) {
    ready.delete(reading);
    readSlab(reading);
    if (readings.has(reading.id)) proceed(reading);
  }
  isWorking = ready.size > 0;
  if (isWorking) setImmediate(work);
}

function proceed(reading: Reading): void {
  const { id, failure, isWhole, meter, upTo } = reading;
  const isDone = failure !== undefined || meter.bytes === upTo;
  if (!isDone) ready.add(reading);
  else if (!isWhole) return;
  else {
    forget(reading);
    if (failure !== undefined) send({ id, kind: 'failed', message: failure });
    else send({ id, kind: 'digest', digest: meter.digest() });
  }
}

function readSlab(reading: Reading): void {
  const { fd, meter, upTo } = reading;
  const wanted = Math.min(SLAB_BYTES, upTo - meter.bytes);
  if (reading.failure !== undefined || wanted === 0) return;
  try {
    const bytesRead = readSync(fd, slab, 0, wanted, meter.bytes);
    if (bytesRead === 0) reading.failure = `the file ends after ${meter.bytes} bytes of ${upTo}`;
    meter.update(slab.subarray(0, bytesRead));
  } catch (error) {
    reading.failure = messageOf(error);
  }
}

function forget(reading: Reading): void {
  readings.delete(reading.id);
  ready.delete(reading);
}

function send(answer: DigestAnswer): void {
  parentPort?.postMessage(answer);
}
