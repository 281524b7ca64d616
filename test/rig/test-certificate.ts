import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { ensureDebian } from './debian.ts';
import { openTempFolder } from './temp-folder.ts';

/** A certificate for 127.0.0.1 that this process trusts. */
export interface TestCertificate extends AsyncDisposable {
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** Must come before the process's first TLS connection. `{ skip }` says what this machine lacks. */
export async function makeTestCertificate(): Promise<TestCertificate | { skip: string }> {
  const ready = await ensureDebian({ programs: ['openssl'], packages: ['openssl'] });
  if (ready !== 'ready') return ready;
  const folder = await openTempFolder();
  const certificatePath = join(folder.path, 'certificate.pem');
  const keyPath = join(folder.path, 'key.pem');
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  await promisify(execFile)('openssl', [...request, ...subject, '-keyout', keyPath, '-out', certificatePath]);
  setDefaultCACertificates([...getCACertificates('default'), await readFile(certificatePath, 'utf8')]);
  return { certificatePath, keyPath, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
