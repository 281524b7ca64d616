/** The gateway as clients meet it: the real process, real sockets, every driver. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { digestOf } from '../../src/base/digest.ts';
import type { NegotiateReply } from '../../src/wire/negotiate.ts';
import { Azurite } from '../rig/azurite.ts';
import { GcsServer } from '../rig/gcs-server/gcs-server.ts';
import { download, negotiate, postNegotiate, upload } from '../rig/negotiate.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';
import { openTestS3, s3GatewayEnv } from '../rig/test-s3.ts';
import { until } from '../rig/until.ts';

const s3 = await openTestS3();
const s3Skip = 'skip' in s3 ? s3.skip : false;
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

function freshHash(): string {
  return digestOf(randomBytes(16));
}

interface Driver {
  readonly driver: 'local' | 's3' | 'gcs' | 'azure';
  /** What an upload that is stored is answered. */
  readonly stored: number;
  /** What an upload is answered whose key was taken meanwhile. */
  readonly taken: readonly number[];
}

function describeGateway(
  name: string,
  skip: string | false,
  { driver, stored: storedStatus, taken }: Driver,
  driverEnv: () => Promise<Record<string, string>>,
): void {
  describe(`gateway on ${name}`, { skip }, () => {
    let env: Record<string, string>;
    let server: ServerProcess;
    before(async () => {
      env = await driverEnv();
      server = await ServerProcess.start(env);
    });
    after(() => server[Symbol.asyncDispose]());

    test('a key goes from missing to upload_needed to found, and a second upload is skipped', async () => {
      const hash = freshHash();
      const body = randomBytes(200_000);
      await negotiate(server.url, { hash, action: 'download' }, 'missing');
      assert.equal(
        await upload(server.url, hash, body, { digest: digestOf(body), size: body.length }),
        storedStatus,
      );
      const found = await negotiate(server.url, { hash, action: 'download' }, 'found');
      assert.equal(found.size, body.length);
      assert.equal(found.digest, digestOf(body));
      assert.deepEqual(await download(server.url, hash), body);
      await negotiate(server.url, { hash, action: 'upload' }, 'skipped');
    });

    test('an upload without announced digest and size works too', async () => {
      const hash = freshHash();
      await upload(server.url, hash, Buffer.from('plain'));
      assert.equal((await download(server.url, hash))?.toString(), 'plain');
    });

    test('to be told of damage that is none changes nothing: the answer is that to a download', async () => {
      const hash = freshHash();
      await negotiate(server.url, { hash, action: 'verify' }, 'missing');
      const body = randomBytes(2_000_000);
      await upload(server.url, hash, body, { digest: digestOf(body), size: body.length });
      const found = await negotiate(server.url, { hash, action: 'verify' }, 'found');
      assert.equal(found.digest, digestOf(body));
      assert.deepEqual(Buffer.from(await (await fetch(found.url)).arrayBuffer()), body);
    });

    test('a batch answers each item in order', async () => {
      const [stored, absent] = [freshHash(), freshHash()];
      await upload(server.url, stored, Buffer.from('x'));
      const items = [
        { hash: absent, action: 'download' },
        { hash: stored, action: 'download' },
        { hash: stored, action: 'upload' },
        { hash: absent, action: 'upload' },
      ];
      const reply = await postNegotiate(server.url, { items });
      const { items: answers } = (await reply.json()) as { items: NegotiateReply[] };
      assert.deepEqual(
        answers.map(({ status }) => status),
        ['missing', 'found', 'skipped', 'upload_needed'],
      );
    });

    test('a batch of 1,000 is answered, of 1,001 refused', async () => {
      const items = Array.from({ length: 1_001 }, () => ({ hash: freshHash(), action: 'download' }));
      const refused = await postNegotiate(server.url, { items });
      assert.equal(refused.status, 400);
      assert.equal(((await refused.json()) as { field: string }).field, 'items');
      const reply = await postNegotiate(server.url, { items: items.slice(1) });
      const answer = (await reply.json()) as { items: NegotiateReply[] };
      assert.equal(answer.items.length, 1_000);
    });

    test('of 16 uploads of one key through two servers exactly one is stored, whole (F12)', async () => {
      await using second = await ServerProcess.start(env);
      for (let round = 0; round < 5; round++) {
        const hash = freshHash();
        const bodies = Array.from({ length: 16 }, () => randomBytes(120_000));
        const grants = await Promise.all(
          bodies.map((_, index) =>
            negotiate(index % 2 ? server.url : second.url, { hash, action: 'upload' }, 'upload_needed'),
          ),
        );
        const statuses = await Promise.all(
          grants.map(async ({ url, headers }, index) => {
            const sent = await fetch(url, { method: 'PUT', headers, body: bodies[index] ?? null });
            await sent.arrayBuffer();
            return sent.status;
          }),
        );
        const winners = statuses.flatMap((status, index) => (status === storedStatus ? [index] : []));
        assert.equal(winners.length, 1, statuses.join(' '));
        assert.ok(statuses.every((status, index) => index === winners[0] || taken.includes(status)));
        assert.deepEqual(await download(second.url, hash), bodies[winners[0] ?? -1]);
      }
    });

    test('an upload that is not what its digest announced is not stored by our own door', async () => {
      const hash = freshHash();
      const { url, headers } = await negotiate(
        server.url,
        { hash, action: 'upload', digest: digestOf('announced'), size: 4 },
        'upload_needed',
      );
      const sent = await fetch(url, { method: 'PUT', headers, body: 'else' });
      // radosgw keeps the checksum header without checking it, Azure has none; the digest travels and the reader checks.
      if (driver === 'local') assert.equal(sent.status, 400);
      const found = await postNegotiate(server.url, { hash, action: 'download' });
      const answer = (await found.json()) as NegotiateReply;
      if (answer.status === 'found') assert.equal(answer.digest, digestOf('announced'));
      else assert.equal(answer.status, 'missing');
    });

    test('malformed requests are 400 problems that name the field', async () => {
      const hash = freshHash();
      const cases: [unknown, string][] = [
        [{}, 'hash'],
        [{ hash: 'abc', action: 'upload' }, 'hash'],
        [{ hash: hash.toUpperCase(), action: 'upload' }, 'hash'],
        [{ hash: `${hash}0`, action: 'upload' }, 'hash'],
        [{ hash: `${hash}\n`, action: 'upload' }, 'hash'],
        [{ hash: 5, action: 'upload' }, 'hash'],
        [{ hash, action: 'delete' }, 'action'],
        [{ hash }, 'action'],
        [{ hash, action: 'upload', size: -1 }, 'size'],
        [{ hash, action: 'upload', size: 1.5 }, 'size'],
        [{ hash, action: 'upload', digest: 'x' }, 'digest'],
        [{ hash, action: 'upload', colour: 'red' }, 'colour'],
        [{ items: [] }, 'items'],
        [{ items: 'x' }, 'items'],
        [
          {
            items: [
              { hash, action: 'download' },
              { hash: '', action: 'download' },
            ],
          },
          'items.1.hash',
        ],
        [[], 'body'],
        ['text', 'body'],
        [null, 'body'],
      ];
      for (const [body, field] of cases) {
        const reply = await postNegotiate(server.url, body);
        const problem = (await reply.json()) as Record<string, unknown>;
        assert.equal(reply.status, 400, JSON.stringify(body));
        assert.equal(reply.headers.get('content-type'), 'application/problem+json');
        assert.equal(problem['field'], field, JSON.stringify(body));
        assert.equal(problem['code'], 'BAD_REQUEST');
        assert.equal(problem['status'], 400);
        assert.ok(typeof problem['detail'] === 'string' && typeof problem['title'] === 'string');
        assert.equal(problem['requestId'], reply.headers.get('x-request-id'));
      }
    });

    test('a body that is not JSON, too large or of another type is refused', async () => {
      const post = (body: string, type = 'application/json') =>
        fetch(`${server.url}/v1/negotiate`, {
          method: 'POST',
          headers: { authorization: `Bearer ${TEST_TOKEN}`, 'content-type': type },
          body,
        });
      assert.equal((await post('{"hash":')).status, 400);
      assert.equal((await post('{"__proto__": {"x": 1}}')).status, 400);
      assert.equal((await post(`"${'x'.repeat(1_100_000)}"`)).status, 413);
      assert.equal((await post('hash=1', 'application/x-www-form-urlencoded')).status, 415);
      for (const type of ['text/plain', 'text/plain; charset=utf-8']) {
        const reply = await post(JSON.stringify({ hash: freshHash(), action: 'download' }), type);
        assert.equal(reply.status, 415, type);
        assert.equal(((await reply.json()) as { code: string }).code, 'UNSUPPORTED_BODY');
      }
    });

    test('without the right token every negotiation is 401, whatever was sent in its place (A4)', async () => {
      const item = { hash: freshHash(), action: 'download' };
      const wrong = [
        '',
        'x',
        TEST_TOKEN.slice(0, -1),
        `${TEST_TOKEN}x`,
        TEST_TOKEN.toUpperCase(),
        'x'.repeat(TEST_TOKEN.length),
        'x'.repeat(9_000),
      ];
      for (const token of wrong) {
        const reply = await postNegotiate(server.url, item, token);
        assert.equal(reply.status, 401);
        assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer/);
      }
      for (const authorization of [
        undefined,
        TEST_TOKEN,
        `Basic ${TEST_TOKEN}`,
        'Bearer',
        `Bearer ${TEST_TOKEN} x`,
      ]) {
        const headers = { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) };
        const reply = await fetch(`${server.url}/v1/negotiate`, {
          method: 'POST',
          headers,
          body: JSON.stringify(item),
        });
        assert.equal(reply.status, 401, authorization);
      }
    });

    test('health, readiness and metrics answer without a token', async () => {
      const health = await fetch(`${server.url}/health`);
      assert.equal(health.status, 200);
      assert.deepEqual(await health.json(), { status: 'up' });
      const ready = await fetch(`${server.url}/ready`);
      assert.equal(ready.status, 200);
      assert.deepEqual(await ready.json(), { status: 'ready' });
    });

    test('hits, misses and latency are counted under the names dashboards use', async () => {
      const scrape = async (): Promise<string> => (await fetch(`${server.url}/metrics`)).text();
      const value = (text: string, series: string): number =>
        Number(
          text
            .split('\n')
            .find((line) => line.startsWith(`${series} `))
            ?.split(' ')
            .at(-1) ?? 0,
        );
      const hash = freshHash();
      const earlier = await scrape();
      await download(server.url, hash);
      await upload(server.url, hash, Buffer.from('12345'));
      await download(server.url, hash);
      const later = await scrape();
      const rise = (series: string): number => value(later, series) - value(earlier, series);
      assert.equal(rise('vc_cache_hits_total{protocol="velocity"}'), 1);
      assert.equal(rise('vc_cache_misses_total{protocol="velocity"}'), 1);
      assert.equal(rise('vc_negotiation_latency_seconds_count{form="single"}'), 3);
      assert.equal(rise('vc_negotiation_latency_count'), 3);
      assert.ok(rise(`vc_storage_operations_total{driver="${driver}",operation="head",outcome="hit"}`) >= 1);
      assert.ok(
        rise(`vc_storage_operation_duration_seconds_count{driver="${driver}",operation="head"}`) >= 3,
      );
      const route = driver === 'local' ? 'proxied' : 'presigned';
      assert.equal(rise(`vc_cache_bytes_total{protocol="velocity",direction="read",route="${route}"}`), 5);
    });

    test('logs are JSON with the request’s id and hold neither token nor signature', async () => {
      const hash = freshHash();
      await upload(server.url, hash, Buffer.from('logged'));
      await download(server.url, hash);
      await postNegotiate(server.url, { hash, action: 'download' }, 'a-wrong-token-in-the-log');
      const reply = await fetch(`${server.url}/v1/nothing?token=${TEST_TOKEN}`, {
        headers: { 'x-request-id': 'given-id-7' },
      });
      assert.equal(reply.headers.get('x-request-id'), 'given-id-7');
      await until(async () => server.log.some(({ requestId }) => requestId === 'given-id-7'));
      const text = JSON.stringify(server.log);
      assert.ok(
        server.log.some(
          (line) => line['path'] === '/v1/negotiate' && line['requestId'] && line['status'] === 401,
        ),
      );
      for (const secret of [TEST_TOKEN, 'a-wrong-token-in-the-log', 'sig=', 'Signature', 'authorization']) {
        assert.ok(!text.includes(secret), secret);
      }
    });

    test('an address that is not there is a 404 problem', async () => {
      const reply = await fetch(`${server.url}/v2/negotiate`);
      assert.equal(reply.status, 404);
      assert.equal(((await reply.json()) as { code: string }).code, 'NOT_FOUND');
    });
  });
}

let folder: TempFolder;
let azurite: Azurite;
before(async () => {
  folder = await openTempFolder();
  azurite = await Azurite.start();
});
after(async () => {
  await azurite[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const LOCAL: Driver = { driver: 'local', stored: 201, taken: [412] };
const GCS: Driver = { driver: 'gcs', stored: 200, taken: [412] };
const S3: Driver = { driver: 's3', stored: 200, taken: [412, 409] };
/** 403: a SAS that may create and not write is refused before the condition is looked at. */
const AZURE: Driver = { driver: 'azure', stored: 201, taken: [412, 409, 403] };

describeGateway('local', false, LOCAL, async () => ({ VC_LOCAL_ROOT: folder.path }));
describeGateway('azurite', false, AZURE, () => azurite.gatewayEnv());
describeGateway('Ceph radosgw', s3Skip, S3, () => s3GatewayEnv(s3));

const gcs = await GcsServer.start();
after(() => gcs[Symbol.asyncDispose]());
describeGateway('the GCS test server', false, GCS, async () => ({
  ...(await gcs.keyEnv()),
  VC_STORAGE_DRIVER: 'gcs',
  VC_GCS_ENDPOINT: gcs.url,
  VC_GCS_BUCKET: gcs.makeBucket(),
}));

test('URLs say how a TLS-ending proxy was reached, the one nearest to the client of several', async () => {
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: folder.path });
  const hash = freshHash();
  await upload(server.url, hash, Buffer.from('behind a proxy'));
  const schemes: [forwarded: string, scheme: string][] = [
    ['https', 'https:'],
    ['HTTPS', 'https:'],
    ['https, http', 'https:'],
    [' https ,http', 'https:'],
    ['http, https', 'http:'],
    ['http', 'http:'],
    ['', 'http:'],
    ['gopher', 'http:'],
  ];
  for (const [forwarded, scheme] of schemes) {
    const reply = await fetch(`${server.url}/v1/negotiate`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${TEST_TOKEN}`,
        'content-type': 'application/json',
        'x-forwarded-proto': forwarded,
      },
      body: JSON.stringify({ hash, action: 'download' }),
    });
    const { url } = (await reply.json()) as { url: string };
    assert.equal(new URL(url).protocol, scheme, forwarded);
  }
});
