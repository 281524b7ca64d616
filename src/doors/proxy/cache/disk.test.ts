/** What a disk has kept of answers, after a restart and after worse. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ask, type Question } from '../../../../test/rig/ask.ts';
import { cachedBody } from '../../../../test/rig/cached-answers.ts';
import { CachingServer } from '../../../../test/rig/caching-server.ts';
import { HttpServer } from '../../../../test/rig/http-server.ts';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { until } from '../../../../test/rig/until.ts';

const HOST = { host: 'a.example' };

class Restarted implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly folder: string;
  readonly #origin: HttpServer;
  #server: CachingServer;
  readonly asked: () => number;

  private constructor(
    folder: string,
    clock: ManualClock,
    origin: HttpServer,
    server: CachingServer,
    asked: () => number,
  ) {
    this.folder = folder;
    this.clock = clock;
    this.#origin = origin;
    this.#server = server;
    this.asked = asked;
  }

  static async start(
    folder: string,
    handle: (message: IncomingMessage, response: ServerResponse) => void,
  ): Promise<Restarted> {
    let asked = 0;
    const origin = await HttpServer.start((message, response) => {
      asked++;
      handle(message, response);
    });
    const clock = new ManualClock();
    const server = await serverOn(folder, origin.url, clock);
    return new Restarted(folder, clock, origin, server, () => asked);
  }

  get server(): CachingServer {
    return this.#server;
  }

  ask(path: string, { headers, ...rest }: Question = {}) {
    return ask(`${this.#server.url}${path}`, { ...rest, headers: { ...HOST, ...headers } });
  }

  /** Until so many bodies are on the disk. */
  async kept(count: number): Promise<void> {
    await until(async () => this.#server.opened.disk?.size === count);
  }

  async restart(whileDown: () => void = () => {}): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    whileDown();
    this.#server = await serverOn(this.folder, this.#origin.url, this.clock);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.#origin[Symbol.asyncDispose]();
  }
}

function serverOn(folder: string, origin: string, clock: ManualClock): Promise<CachingServer> {
  return CachingServer.start({ origin, clock, settings: { disk: { folder, maxBytes: 100_000_000 } } });
}

test('what is on the disk is found again after a restart, with its age and by what it varies on', async () => {
  await using folder = await openTempFolder();
  await using site = await Restarted.start(folder.path, (message, response) => {
    const language = message.headers['accept-language'] ?? 'none';
    const length = language === 'de' ? { 'Content-Length': '2' } : {};
    const head = {
      ...length,
      'Cache-Control': 'max-age=600',
      Vary: 'Accept-Language',
      ETag: `"${language}"`,
    };
    response.writeHead(200, { ...head, Date: new Date(Date.UTC(2026, 0, 1)).toUTCString() }).end(language);
  });
  const german = { headers: { 'accept-language': 'de' } };
  const french = { headers: { 'accept-language': 'fr' } };
  await site.ask('/', german);
  await site.ask('/', french);
  await site.kept(2);
  site.clock.advance(10_000);
  await site.restart();
  site.clock.advance(5_000);
  for (const [question, text] of [
    [german, 'de'],
    [french, 'fr'],
  ] as const) {
    const { headers, body } = await site.ask('/', question);
    assert.equal(
      `${headers.age} ${headers['x-cache']} ${headers['content-length']} ${body}`,
      `15 HIT 2 ${text}`,
    );
  }
  assert.equal(site.asked(), 2);
  assert.equal((await site.ask('/', { headers: { 'accept-language': 'it' } })).headers['x-cache'], 'MISS');
});

for (const isCounted of [true, false])
  test(`a part on the disk is a part after a restart: ${isCounted ? 'of a length' : 'in chunks'}`, async () => {
    await using folder = await openTempFolder();
    await using site = await Restarted.start(folder.path, (message, response) => {
      const isPart = message.headers.range !== undefined;
      const body = isPart ? '2345' : '0123456789';
      const range = isPart ? { 'Content-Range': 'bytes 2-5/10' } : {};
      const length = isCounted ? { 'Content-Length': String(body.length) } : {};
      const head = { ...range, ...length, 'Cache-Control': 'max-age=600' };
      response.writeHead(isPart ? 206 : 200, head).end(body);
    });
    await site.ask('/', { headers: { range: 'bytes=2-5' } });
    await site.kept(1);
    await site.restart();
    const part = await site.ask('/', { headers: { range: 'bytes=3-4' } });
    assert.equal(`${part.status} ${part.headers['x-cache']} ${part.body}`, '206 HIT 34');
    const { status, body } = await site.ask('/');
    assert.equal(`${status} ${body}`, '200 0123456789');
  });

test('what is damaged on the disk is asked for anew', async () => {
  await using folder = await openTempFolder();
  await using site = await Restarted.start(folder.path, (_, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end('a body');
  });
  for (const path of ['/1', '/2', '/3']) await site.ask(path);
  await site.kept(3);
  await site.restart(() => {
    const files = readdirSync(join(folder.path, 'cache-v1'), { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    const bodies = files.filter((file) => file.endsWith('.bin'));
    const records = files.filter((file) => file.endsWith('.json'));
    assert.deepEqual([bodies.length, records.length], [3, 3]);
    writeFileSync(bodies[0] ?? '', 'b body');
    const record = records.find((file) => !file.startsWith((bodies[0] ?? '').slice(0, -4))) ?? '';
    writeFileSync(record, readFileSync(record, 'utf8').replace('200', '2x0'));
  });
  for (const path of ['/1', '/2', '/3']) {
    const { status, body } = await site.ask(path);
    assert.equal(`${status} ${body}`, '200 a body');
  }
  assert.equal(site.asked(), 3 + 2);
});

test('what was outdated before a restart is outdated after it', async () => {
  await using folder = await openTempFolder();
  let turn = 0;
  await using site = await Restarted.start(folder.path, (_, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end(String(++turn));
  });
  await site.ask('/');
  await site.kept(1);
  await site.ask('/', { method: 'POST' });
  await site.kept(0);
  await site.restart();
  assert.equal(String((await site.ask('/')).body), '3');
});

const KEEPER = fileURLToPath(new URL('../../../../test/rig/cached-answers.ts', import.meta.url));

test('of a process that was killed every answer that is found is whole, and the one that was asked for', async (t) => {
  await using folder = await openTempFolder();
  let hits = 0;
  for (let round = 0; round < 3; round++) {
    const keeper = spawn(process.execPath, [KEEPER, folder.path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(keeper, 'exit');
    for (let lines = 0; lines < 5 + round * 3; lines++)
      await Promise.race([once(keeper.stdout, 'data'), exited]);
    assert.equal(keeper.exitCode, null, 'it asks until it is killed');
    keeper.kill('SIGKILL');
    await exited;
    await using server = await serverOn(folder.path, 'http://127.0.0.1:1', new ManualClock());
    for (let n = 0; n < 100; n++) {
      const headers = { ...HOST, 'cache-control': 'only-if-cached' };
      const answer = await ask(`${server.url}/${n}`, { headers });
      if (answer.status === 504) continue;
      hits++;
      assert.equal(answer.headers['x-path'], `/${n}`);
      assert.ok(answer.isWhole && answer.body.equals(cachedBody(`/${n}`)), `/${n}`);
    }
  }
  t.diagnostic(`${hits} hits`);
  assert.ok(hits > 20, `${hits}`);
});
