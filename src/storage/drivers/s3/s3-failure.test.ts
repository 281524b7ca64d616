/** What is told of S3's failures, also to clients: a status, a code, a hint, and nothing the storage or the SDK wrote. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../../../test/rig/free-port.ts';
import { HttpServer } from '../../../../test/rig/http-server.ts';
import { parseObjectKey } from '../../object-key.ts';
import { S3Store } from './s3-store.ts';

const KEY = parseObjectKey('some/key');
const WITH_KEYS = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'kept-to-ourselves' };
/** No file, no identity of a machine: the AWS credential chain finds nothing. */
const WITHOUT_KEYS = {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
  AWS_CONFIG_FILE: '/nonexistent/config',
};
for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
Object.assign(process.env, WITHOUT_KEYS);

/** What a read from this endpoint fails with. */
async function failureAt(
  endpoint: string,
  env: Readonly<Record<string, string>> = WITH_KEYS,
): Promise<Error> {
  Object.assign(process.env, env);
  const store = new S3Store({ bucket: 'bucket', region: 'r', endpoint, pathStyle: true });
  try {
    return await store.get(KEY).then(
      () => assert.fail('the read fails'),
      (error: Error) => error,
    );
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
    await store.close();
  }
}

async function failureOf(status: number, body: string): Promise<Error> {
  await using server = await HttpServer.start((_, response) => response.writeHead(status).end(body));
  return await failureAt(server.url);
}

const XML = `<Error><Code>SignatureDoesNotMatch</Code><Message>do-not-tell</Message>
  <StringToSign>do-not-tell</StringToSign><HostId>do-not-tell</HostId></Error>`;
const PAGE = '<html><body>do-not-tell <b>http://10.0.0.7/?X-Amz-Signature=do-not-tell</body></html>';

test('a refusal is told by its status and S3’s code, not by S3’s text', async () => {
  const error = await failureOf(403, XML);
  assert.equal(
    String(error),
    `VelocityError: Could not read ${KEY}: S3 answered 403 SignatureDoesNotMatch. Check the credentials and that they allow this on the bucket.`,
  );
});

test('an answer that is not S3’s, such as a proxy’s page, is told by its status', async () => {
  const cases = [
    [502, 'STORAGE_UNAVAILABLE', `Could not read ${KEY}: S3 answered 502.`],
    [418, 'STORAGE_FAILED', `Could not read ${KEY}: S3 answered 418.`],
  ] as const;
  for (const [status, code, message] of cases) {
    const error = await failureOf(status, PAGE);
    assert.deepEqual([error.message, 'code' in error && error.code], [message, code]);
  }
});

test('a storage that is not there is told by the system’s code, without its address', async () => {
  const port = await freePort();
  const error = await failureAt(`http://127.0.0.1:${port}`);
  assert.equal(error.message, `Could not read ${KEY}: S3 cannot be reached (ECONNREFUSED).`);
  assert.match(String(error.cause), new RegExp(`127.0.0.1:${port}`), 'the log has it');
});

test('missing credentials are told with what to do about them, and why in the cause alone', async () => {
  const error = await failureAt('http://127.0.0.1:1', { AWS_PROFILE: 'do-not-tell' });
  assert.match(
    error.message,
    /^Could not read some\/key: AWS gave no credentials \(CredentialsProviderError\)\. Set AWS_ACCESS_KEY_ID /,
  );
  assert.doesNotMatch(error.message, /do-not-tell/);
  assert.ok(error.cause instanceof Error);
});
