import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import { sendRaw } from '../../../../test/rig/raw-http.ts';
import { type Script, ScriptedOrigin } from '../../../../test/rig/scripted-origin.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { makeTestCertificate, type TestCertificate } from '../../../../test/rig/test-certificate.ts';
import { TestProxy } from '../../../../test/rig/test-proxy.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const ok: Script = async (connection) => {
  for await (const _ of connection.heads()) connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
};

const made = await Promise.all([makeTestCertificate(), makeTestCertificate()]);
const skip = made.map((one) => ('skip' in one ? one.skip : false)).find(Boolean) ?? false;
const [own, other] = made as readonly [TestCertificate, TestCertificate];

describe('a backend of TLS', { skip }, () => {
  after(() => Promise.all([own, other].map((one) => one[Symbol.asyncDispose]())));

  /** What a client gets through a proxy with these settings of its one backend, from an origin with `own`. */
  async function statusWith(
    settings: Readonly<Record<string, string>>,
    tls: TlsOptions = {},
  ): Promise<string> {
    const material = { cert: await readFile(own.certificatePath), key: await readFile(own.keyPath) };
    await using origin = await ScriptedOrigin.start([ok, ok], { ...material, ...tls });
    const env = Object.entries({ url: origin.url, ...settings }).map(
      ([name, value]) => [`VC_PROXY_BACKENDS__a__${name.toUpperCase()}`, value] as const,
    );
    await using proxy = await TestProxy.start([], { VC_PROXY_BACKEND: '', ...Object.fromEntries(env) });
    const answer = await sendRaw(proxy.url, GET);
    const failure = proxy.lines.find(({ message }) => message === 'a backend failed');
    return answer.slice(9, 12) + (failure ? ` ${failure['code']}` : '');
  }

  test('is believed by the authorities that are named for it, and by no others', async () => {
    assert.equal(await statusWith({ tls_ca: own.certificatePath }), '200');
    assert.equal(await statusWith({ tls_ca: other.certificatePath }), '502 ORIGIN_FAILED');
    assert.equal(await statusWith({ tls_verify: 'false' }), '200');
  });

  test('must have the name that it is asked for', async () => {
    const named = { tls_ca: own.certificatePath, tls_server_name: 'app.example.org' };
    const asked: (string | undefined)[] = [];
    const SNICallback: TlsOptions['SNICallback'] = (name, done) => {
      asked.push(name);
      done(null);
    };
    assert.equal(await statusWith(named, { SNICallback }), '502 ORIGIN_FAILED');
    assert.deepEqual(asked, ['app.example.org']);
  });

  test('is shown a certificate where it wants one', async () => {
    const ca = await readFile(other.certificatePath);
    const wanting: TlsOptions = { requestCert: true, rejectUnauthorized: true, ca };
    const shown = { tls_certificate: other.certificatePath, tls_key: other.keyPath };
    assert.equal(await statusWith({ tls_ca: own.certificatePath, ...shown }, wanting), '200');
    assert.match(await statusWith({ tls_ca: own.certificatePath }, wanting), /^502 /);
  });

  test('whose files cannot be used keeps the proxy from starting', async () => {
    await using folder = await openTempFolder();
    const broken = join(folder.path, 'ca.pem');
    await writeFile(broken, 'no certificate');
    await assert.rejects(statusWith({ tls_ca: broken }), { code: 'TLS_INVALID' });
    const foreign = { tls_certificate: own.certificatePath, tls_key: other.keyPath };
    await assert.rejects(statusWith(foreign), { code: 'TLS_INVALID' });
  });
});
