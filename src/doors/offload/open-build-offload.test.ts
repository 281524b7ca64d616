import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeBuildServer } from '../../../test/rig/fake-build-server.ts';
import { HttpServer } from '../../../test/rig/http-server.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { until } from '../../../test/rig/until.ts';
import { openBuildOffload } from './open-build-offload.ts';

const MESSAGE = JSON.stringify({ rr_version: 'v1.0.0', plugins: [{ module_name: 'm', tag: 't' }] });

/** A Node server whose handler asks for a build, with the middleware before it. */
async function openServer() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await openTempFolder());
  const builder = stack.use(await FakeBuildServer.start());
  const errors: unknown[] = [];
  const offload = await openBuildOffload({
    serverUrl: builder.url,
    outputFolders: [folder.path],
    cache: { directory: join(folder.path, 'cache') },
    onError: (error) => errors.push(error),
  });
  stack.defer(() => offload.close());
  const server = stack.use(
    await HttpServer.start((request, response) =>
      offload.middleware(request, response, () => {
        response.setHeader('Content-Disposition', 'attachment; filename="rr"');
        response.writeHead(200, { 'X-Velox-Build': 'true', 'Content-Type': 'application/json' });
        response.end(MESSAGE);
      }),
    ),
  );
  const path = join(folder.path, 'rr');
  return { url: server.url, builder, path, errors, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('clients of a Node server get the binary of one build, and parts of it from the cache', async () => {
  await using opened = await openServer();
  const { url, builder, path } = opened;
  const bytes = randomBytes(3_000_000);
  const clients = Array.from({ length: 10 }, () => fetch(url));
  writeFileSync(path, bytes);
  (await builder.next()).answer({ path, logs: '' });
  const answers = await Promise.all(clients);
  rmSync(path);
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-length'), '3000000');
    assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="rr"');
    assert.ok(bytes.equals(Buffer.from(await answer.arrayBuffer())));
  }
  const part = await fetch(url, { headers: { range: 'bytes=-5' } });
  assert.deepEqual([part.status, Buffer.from(await part.arrayBuffer())], [206, bytes.subarray(-5)]);
  const etag = answers[0]?.headers.get('etag') ?? '';
  assert.equal((await fetch(url, { headers: { 'if-none-match': etag } })).status, 304);
  assert.equal(builder.asked.length, 1);
});

test('a failed build is a problem for the client, and told', async () => {
  await using opened = await openServer();
  const answering = fetch(opened.url);
  (await opened.builder.next()).answer({ success: false, error: 'no such plugin', code: 'BUILD_ERROR' });
  const answer = await answering;
  assert.equal(answer.status, 502);
  assert.match(await answer.text(), /BUILD_FAILED.*/s);
  assert.equal(opened.errors.length, 1);
});

test('a build is broken off when its client leaves', async () => {
  await using opened = await openServer();
  const leaving = new AbortController();
  const left = assert.rejects(fetch(opened.url, { signal: leaving.signal }));
  const asked = await opened.builder.next();
  leaving.abort();
  await left;
  await until(() => asked.isAborted);
  assert.deepEqual(opened.errors, []);
});
