/** The real `velocity proxy` with a policy in WebAssembly: what it changes, and what becomes of one that is bad. */
import assert from 'node:assert/strict';
import { copyFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compileAssemblyScript } from '../rig/compile-policy.ts';
import { RunningProxy } from '../rig/running-proxy.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

const HOST = fileURLToPath(new URL('../../examples/policies/host.ts', import.meta.url));

/** Compiles hooks in AssemblyScript beside a copy of `host.ts`, and puts them in their place as an operator should. */
async function putPolicy(folder: string, hooks: string, name = 'policy.wasm'): Promise<void> {
  await copyFile(HOST, join(folder, 'host.ts'));
  const source = join(folder, 'source.ts');
  await writeFile(source, `import { answer, noOpinion, question, textAfter } from "./host";\n${hooks}\n`);
  const next = join(folder, `${name}.next`);
  await writeFile(next, await compileAssemblyScript(source));
  await rename(next, join(folder, name));
}

const marking = (mark: string): string => `
  export function vcl_backend_response(): i32 { return answer('{"ttl":600,"set":{"X-Kept":"${mark}"}}'); }
  export function vcl_deliver(): i32 {
    const isHit = question().indexOf('"hit":true') >= 0;
    return answer('{"set":{"X-Mark":"${mark} ' + (isHit ? "hit" : "miss") + '"},"remove":["x-powered-by"]}');
  }`;

const LOOPING = `
  let turns: i32 = 0;
  export function vcl_recv(): i32 { while (true) turns++; return 0; }`;

/** An origin that says nothing of caching. */
const plain: Parameters<typeof RunningProxy.start>[0] = (_request, response) =>
  response.setHeader('x-powered-by', 'a').end('made');

describe('a policy', () => {
  test('says how long answers are kept, and changes their fields, of hits too', async () => {
    await using folder = await openTempFolder();
    await putPolicy(folder.path, marking('one'));
    const env = { VELOCITY_WASM_POLICY_PATH: join(folder.path, 'policy.wasm') };
    await using proxy = await RunningProxy.start(plain, { env });
    const marks: unknown[] = [];
    for (let asked = 0; asked < 3; asked++) {
      const { headers } = await proxy.ask('/a');
      marks.push([headers['x-cache'], headers['x-mark'], headers['x-kept'], headers['x-powered-by']]);
    }
    assert.deepEqual(marks, [
      ['MISS', 'one miss', 'one', undefined],
      ['HIT', 'one hit', 'one', undefined],
      ['HIT', 'one hit', 'one', undefined],
    ]);
    assert.deepEqual(proxy.asked, ['GET /a']);
  });

  test('lies in the working folder, and one that takes its place is used from then on', async () => {
    await using folder = await openTempFolder();
    await putPolicy(folder.path, marking('one'));
    await using proxy = await RunningProxy.start(plain, { folder });
    assert.equal((await proxy.ask('/a')).headers['x-mark'], 'one miss');
    await putPolicy(folder.path, marking('two'));
    await until(async () => proxy.hasLogged('policy loaded anew'));
    const { headers } = await proxy.ask('/a');
    assert.deepEqual([headers['x-mark'], headers['x-kept']], ['two hit', 'one']);
    await writeFile(join(folder.path, 'policy.wasm'), 'no module');
    await until(async () => proxy.hasLogged('the changed policy cannot be used; the old one stays'));
    assert.equal((await proxy.ask('/a')).headers['x-mark'], 'two hit');
  });

  test('that loops is ended each time, and then left alone, while all requests are answered', async () => {
    await using folder = await openTempFolder();
    await putPolicy(folder.path, LOOPING);
    await using proxy = await RunningProxy.start(plain, { folder });
    for (let asked = 0; asked < 8; asked++) assert.equal((await proxy.ask('/a')).status, 200);
    const failed = proxy.process.log.find(({ message }) => message === 'the policy came to no decision');
    assert.deepEqual([failed?.['kind'], failed?.['hook']], ['deadline', 'vcl_recv']);
    const rest = 'the policy fails again and again, and is left alone for a while';
    assert.ok(proxy.hasLogged(rest));
  });

  test('that loops refuses requests where it is to be heeded', async () => {
    await using folder = await openTempFolder();
    await putPolicy(folder.path, LOOPING);
    const env = { VC_PROXY_POLICY_ON_FAILURE: 'closed' };
    await using proxy = await RunningProxy.start(plain, { folder, env });
    for (let asked = 0; asked < 7; asked++) {
      const { status, body } = await proxy.ask('/a');
      assert.deepEqual([status, JSON.parse(String(body)).code], [502, 'POLICY_FAILED']);
    }
    assert.deepEqual(proxy.asked, []);
  });

  test('whose file is missing is told, and requests go on without it', async () => {
    const env = { VELOCITY_WASM_POLICY_PATH: 'not-there.wasm' };
    await using proxy = await RunningProxy.start(plain, { env });
    assert.ok(proxy.hasLogged('there is no such policy; going on without one'));
    assert.equal((await proxy.ask('/a')).status, 200);
  });
});
