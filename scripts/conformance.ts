/**
 * The public suite of HTTP caching tests, put to our proxy, beside what it publishes of other caches. Fails where a test
 * ends otherwise than test/conformance/expected.json says, be it better or worse.
 *
 *     npm run conformance -- --suite DIR             all tests, about a minute
 *     npm run conformance -- --suite DIR --id TEST   one test, with its messages
 *     … --proxy URL   another proxy than ours, in front of http://localhost:8000
 *     … --port N      where the suite's origin listens instead
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../bench/results.ts';
import {
  differences,
  type Expectations,
  type Measured,
  parseExpectations,
  score,
} from '../test/conformance/public-suite/expectations.ts';
import { KINDS, type RawResults, SUITE_REPOSITORY, Suite } from '../test/conformance/public-suite/suite.ts';
import { SuiteOrigin } from '../test/conformance/public-suite/suite-origin.ts';
import { ServerProcess } from '../test/rig/server-process.ts';
import { openTempFolder } from '../test/rig/temp-folder.ts';

const EXPECTED = 'test/conformance/expected.json';
/** Of those that the suite publishes, the ones that are proxies. */
const PEERS = ['nginx', 'varnish', 'squid', 'trafficserver', 'apache', 'caddy', 'haproxy', 'fastly'];

try {
  process.exit(await main());
} catch (error) {
  console.error(`conformance: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(2);
}

interface Outcome {
  readonly suite: Suite;
  readonly results: RawResults;
  readonly expected: Expectations;
  readonly seconds: number;
  /** Of the proxy that was asked. */
  readonly name: string;
}

/** @returns the exit code */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      suite: { type: 'string' },
      id: { type: 'string' },
      proxy: { type: 'string' },
      port: { type: 'string', default: '8000' },
    },
  });
  const { id } = values;
  if (values.suite === undefined)
    throw new Error(
      `--suite DIR is missing. Try:\n  git clone ${SUITE_REPOSITORY} DIR\n  npm install --omit=dev --prefix DIR`,
    );
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error('--port takes 1 to 65535');
  if (values.proxy !== undefined && !URL.canParse(values.proxy)) throw new Error('--proxy takes a URL');
  const expected = parseExpectations(JSON.parse(readFileSync(EXPECTED, 'utf8')));
  const suite = await Suite.open(values.suite);
  if (id !== undefined && !suite.tests.some((test) => test.id === id))
    throw new Error(`the suite has no test ${id} for proxies`);

  const startedAt = performance.now();
  await using origin = await SuiteOrigin.start(suite.folder, port);
  await using own = values.proxy === undefined ? await startProxy(origin.url) : undefined;
  const results = await suite.run(new URL(own?.url ?? values.proxy ?? '').origin, id);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  if (id !== undefined) return tellOne(suite, results, expected, id);
  return tellAll({ suite, results, expected, seconds, name: values.proxy ?? '**VelocityCache**' });
}

/** `velocity proxy` as it starts with nothing but a backend. */
async function startProxy(origin: string): Promise<AsyncDisposable & { readonly url: string }> {
  const folder = await openTempFolder();
  const env = { VC_PROXY_ADMIN_SOCKET: join(folder.path, 'admin.sock'), VC_LOG_REQUESTS: 'none' };
  const proxy = await ServerProcess.start(env, [], ['--backend', origin], 'proxy');
  return {
    url: proxy.url,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function tellOne(suite: Suite, results: RawResults, expected: Expectations, id: string): number {
  const measured = judge(suite, results).filter((test) => test.id === id);
  const detail = results[id];
  for (const { kind, verdict } of measured)
    console.log(`\n${id} (${kind}): ${verdict}${Array.isArray(detail) ? `: ${detail.join(': ')}` : ''}`);
  return tellDifferences(differences(expected, measured, false));
}

async function tellAll({ suite, results, expected, seconds, name }: Outcome): Promise<number> {
  const measured = judge(suite, results);
  for (const { id, kind, verdict } of measured)
    if (kind !== 'check' && verdict !== 'pass') {
      const known = expected.deviations.find(
        (deviation) => deviation.id === id && deviation.result === verdict,
      );
      console.log(`${id} (${kind}): ${verdict}: ${known?.reason ?? JSON.stringify(results[id])}`);
    }
  const peers = await suite.peers(PEERS);
  console.log(`\ncache-tests ${suite.version}, ${seconds} s\n`);
  console.log(
    table([
      ['cache', 'required', 'optimal', 'checks answered yes'],
      [name, ...scores(measured)],
      ...peers.map((peer) => [`${peer.name} ${peer.version}`, ...scores(judge(suite, peer.results))]),
    ]),
  );
  if (suite.version !== expected.suite) console.log(`\n${EXPECTED} was written for ${expected.suite}`);
  return tellDifferences(differences(expected, measured, true));
}

function scores(measured: readonly Measured[]): readonly string[] {
  return KINDS.map((kind) => score(measured, kind)).map(({ good, total }) => `${good}/${total}`);
}

function judge(suite: Suite, results: RawResults): readonly Measured[] {
  return suite.tests.map(({ id, kind }) => ({ id, kind, verdict: suite.verdictOf(id, results) }));
}

function tellDifferences(found: readonly string[]): number {
  console.log(found.length === 0 ? `\nall as in ${EXPECTED}` : `\nother than in ${EXPECTED}:`);
  for (const difference of found) console.log(`  ${difference}`);
  return found.length === 0 ? 0 : 1;
}
