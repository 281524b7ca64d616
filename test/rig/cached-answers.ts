import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ask } from './ask.ts';
import { CachingServer } from './caching-server.ts';
import { ManualClock } from './manual-clock.ts';

/** A process that keeps answers on a disk until it is killed: `node cached-answers.ts <folder>`. Says a line for each ten. */
export function cachedBody(path: string): Buffer {
  const sizeBytes = 1 + ((Number(path.slice(1)) * 13_007) % 300_000);
  return Buffer.alloc(sizeBytes, `${path} `);
}

async function askForEver(folder: string): Promise<void> {
  const origin = createServer((message, response) => {
    const path = message.url ?? '';
    const body = cachedBody(path);
    const isCounted = Number(path.slice(1)) % 2 === 0;
    const length = isCounted ? { 'Content-Length': String(body.length) } : {};
    response.writeHead(200, { ...length, 'Cache-Control': 'max-age=600', 'X-Path': path }).end(body);
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const server = await CachingServer.start({
    origin: `http://127.0.0.1:${(origin.address() as AddressInfo).port}`,
    settings: { disk: { folder, maxBytes: 100_000_000 } },
    clock: new ManualClock(),
  });
  for (let n = 0; ; n++) {
    await ask(`${server.url}/${n % 100}`, { headers: { host: 'a.example' } });
    if (n % 7 === 0) await ask(`${server.url}/${n % 50}`, { method: 'POST', headers: { host: 'a.example' } });
    if (n % 10 === 0) console.log(n);
  }
}

if (import.meta.main) await askForEver(process.argv[2] ?? '');
