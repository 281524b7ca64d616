/** Readers that stop, of more bodies than there is memory for: what they hold counts, and others make room for it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { GatewayServer } from '../../../test/rig/gateway-server.ts';
import { openSocket } from '../../../test/rig/raw-http.ts';
import { until } from '../../../test/rig/until.ts';
import type { ObjectKey } from '../../storage/object-key.ts';

const MIB = 1024 * 1024;
/** More than the system takes for a reader that stops. */
const BODY_BYTES = 12 * MIB;
const READERS = 10;
const MAX_MEMORY = 3 * BODY_BYTES + MIB;
/** What a connection holds beside: pieces that were read for it and wait to be sent. */
const BYTES_A_CONNECTION = MIB;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function bufferBytes(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    collectGarbage();
    await new Promise(setImmediate); // memory that was let go is counted off after the collection
  }
  return process.memoryUsage().arrayBuffers;
}

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A reader that is sent the head of its answer and takes no more. */
async function stop(server: GatewayServer, target: string, ...fields: string[]): Promise<void> {
  const socket = await openSocket(server.url);
  sockets.push(socket);
  const lines = [`GET ${target} HTTP/1.1`, 'Host: a', 'Authorization: Bearer objects', ...fields, '', ''];
  socket.write(lines.join('\r\n'));
  await once(socket, 'readable');
}

interface Stats {
  readonly inflight: number;
  readonly memory: { readonly size_bytes: number; readonly lent_bytes: number };
}

async function statsOf(server: GatewayServer): Promise<Stats> {
  return (await (await server.fetch('/stats')).json()) as Stats;
}

async function warm(server: GatewayServer, target: string): Promise<void> {
  await (await server.fetch(target)).arrayBuffer();
}

const KINDS: Readonly<Record<string, (server: GatewayServer, target: string) => Promise<void>>> = {
  'of hot objects': async (server, target) => {
    await warm(server, target);
    await stop(server, target);
  },
  'of parts of hot objects': async (server, target) => {
    await warm(server, target);
    await stop(server, target, `Range: bytes=1-${BODY_BYTES - 2}`);
  },
  'of objects that were fetched for them': async (server, target) => {
    await stop(server, target);
    await until(async () => (await statsOf(server)).inflight === 0);
  },
  'of some of each, several of each object': async (server, target) => {
    await stop(server, target);
    await warm(server, target);
    await stop(server, target);
    await stop(server, target, 'Range: bytes=1-');
  },
};

for (const pageSize of [undefined, 2 * MIB])
  for (const [kind, stopOne] of Object.entries(KINDS))
    test(`readers that stop, ${kind}, hold no more than the memory tier may${pageSize ? ', in pages' : ''}`, async () => {
      await using server = await GatewayServer.start({
        ...{ isFast: true, maxMemory: MAX_MEMORY, maxObjectSize: BODY_BYTES },
        ...(pageSize && { pageSize }),
      });
      const body = Buffer.alloc(BODY_BYTES, 'body');
      for (let n = 0; n < READERS; n++)
        await server.store.put(`o${n}` as ObjectKey, body, { ifAbsent: false });
      await server.put('/media/small', 'small');
      const before = await bufferBytes();
      for (let n = 0; n < READERS; n++) {
        await stopOne(server, `/media/o${n}`);
        const { size_bytes: held, lent_bytes: lent } = (await statsOf(server)).memory;
        assert.ok(lent <= held && held <= MAX_MEMORY, `${lent} of ${held}`);
      }
      assert.ok((await statsOf(server)).memory.lent_bytes > 0, 'nothing was lent');
      const grown = (await bufferBytes()) - before;
      const allowed = MAX_MEMORY + sockets.length * BYTES_A_CONNECTION;
      assert.ok(grown <= allowed, `${grown} of ${allowed}`);

      assert.equal(await (await server.fetch('/media/small')).text(), 'small');
      assert.equal((await (await server.fetch('/media/o0')).arrayBuffer()).byteLength, BODY_BYTES);
      for (const socket of sockets.splice(0)) socket.destroy();
      await until(async () => (await statsOf(server)).memory.lent_bytes === 0);
    });
