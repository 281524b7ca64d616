import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { messageOf, VelocityError } from '../base/errors.ts';

/** A certificate, with those that it leads to, and its key. PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** @throws VelocityError `TLS_INVALID` where one of the files cannot be read, is none, or they do not belong together */
export function readKeyPair(certificatePath: string, keyPath: string): KeyPair {
  const [certificate, key] = [readPem(certificatePath), readPem(keyPath)];
  const parsed = parsedAs(certificatePath, 'certificate', () => new X509Certificate(certificate));
  const privateKey = parsedAs(keyPath, 'private key', (): KeyObject => createPrivateKey(key));
  if (!parsed.checkPrivateKey(privateKey))
    throw new VelocityError(
      'TLS_INVALID',
      `${keyPath} is not the key of the certificate ${certificatePath}.`,
    );
  return { certificate, key };
}

/** Certificates of authorities. @throws VelocityError `TLS_INVALID` */
export function readAuthorities(path: string): string {
  const pem = readPem(path);
  parsedAs(path, 'certificate', () => new X509Certificate(pem));
  return pem;
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new VelocityError('TLS_INVALID', `Cannot read ${path}: ${messageOf(error)}.`, { cause: error });
  }
}

/** What the parser says of it may quote a key, so it stays the cause. */
function parsedAs<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new VelocityError('TLS_INVALID', `${path} holds no ${what} in PEM that can be used.`, {
      cause: error,
    });
  }
}
