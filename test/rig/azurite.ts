/**
 * A real server of the Azure Blob protocol: azurite, Microsoft's emulator, from the npm registry, on loopback.
 * It checks shared keys and SAS, and refuses second writers (409). Where it (3.36) differs from Azure: it takes
 * names of more than 254 segments, leaves `startFrom` of listings out of account, answers 206 with `bytes 10-9/10`
 * to a range that begins where the blob ends (Azure: 416), and names refusals more coarsely
 * (AuthorizationFailure, AuthorizationPermissionMismatch; Azure: AuthenticationFailed, UnauthorizedBlobOverwrite).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { freePort } from './free-port.ts';
import { openTempFolder, type TempFolder } from './temp-folder.ts';
import type { TestCertificate } from './test-certificate.ts';
import { until } from './until.ts';

const AZURITE_BLOB = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');

export class Azurite implements AsyncDisposable {
  /** Service URL: `http://127.0.0.1:<port>/<account>`. */
  readonly endpoint: string;
  readonly account: string;
  readonly key: string;
  #process: ChildProcess;
  readonly #folder: TempFolder;
  readonly #service: BlobServiceClient;

  private constructor({ endpoint, account, key }: AzuriteAddress, process: ChildProcess, folder: TempFolder) {
    this.endpoint = endpoint;
    this.account = account;
    this.key = key;
    this.#process = process;
    this.#folder = folder;
    this.#service = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(account, key));
  }

  /**
   * Takes about two seconds. Account and key are made up for this server alone.
   * With a certificate it speaks https and takes tokens too, whoever signed them.
   */
  static async start(certificate?: TestCertificate): Promise<Azurite> {
    const account = `test${randomBytes(6).toString('hex')}`;
    const key = randomBytes(64).toString('base64');
    const port = await freePort();
    const endpoint = `${certificate ? 'https' : 'http'}://127.0.0.1:${port}/${account}`;
    const folder = await openTempFolder();
    const child = launch({ endpoint, account, key }, folder.path, certificate);
    const azurite = new Azurite({ endpoint, account, key }, child, folder);
    try {
      await answering(endpoint, child);
      return azurite;
    } catch (error) {
      await azurite[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The same address and blobs, and another key to the account; without one, the first again. Not for https. */
  async restart(key = this.key): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGTERM'); // then it writes down what it holds
    await gone;
    this.#process = launch({ ...this, key }, this.#folder.path, undefined);
    await answering(this.endpoint, this.#process);
  }

  /** A new, empty container. */
  async makeContainer(): Promise<string> {
    const name = `test-${randomBytes(6).toString('hex')}`;
    await this.#service.createContainer(name);
    return name;
  }

  /** Settings of a gateway on a new, empty container. */
  async gatewayEnv(): Promise<Record<string, string>> {
    return {
      VC_STORAGE_DRIVER: 'azure',
      VC_AZURE_ENDPOINT: this.endpoint,
      VC_AZURE_ACCOUNT: this.account,
      VC_AZURE_KEY: this.key,
      VC_AZURE_CONTAINER: await this.makeContainer(),
    };
  }

  /** An empty blob of any name Azure takes. */
  async putBlob(container: string, name: string): Promise<void> {
    await this.#service.getContainerClient(container).getBlockBlobClient(name).upload('', 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGKILL'); // all state is in the folder that goes now
      await gone;
    }
    await this.#folder[Symbol.asyncDispose]();
  }
}

interface AzuriteAddress {
  readonly endpoint: string;
  readonly account: string;
  readonly key: string;
}

function launch(
  { endpoint, account, key }: AzuriteAddress,
  folder: string,
  certificate: TestCertificate | undefined,
): ChildProcess {
  const port = Number(new URL(endpoint).port);
  return spawn(process.execPath, [AZURITE_BLOB, ...argumentsFor(port, folder, certificate)], {
    env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` },
    stdio: 'ignore',
  });
}

async function answering(endpoint: string, child: ChildProcess): Promise<void> {
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`azurite ended with exit code ${child.exitCode}`);
    return fetch(endpoint).then(
      () => true,
      () => false,
    );
  });
}

function argumentsFor(port: number, folder: string, certificate: TestCertificate | undefined): string[] {
  const address = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '-l', folder];
  // Telemetry would reach an outside host; the SDK's API version is newer than the ones azurite knows.
  const https = certificate
    ? ['--oauth', 'basic', '--cert', certificate.certificatePath, '--key', certificate.keyPath]
    : [];
  return ['--silent', '--disableTelemetry', '--skipApiVersionCheck', ...address, ...https];
}
