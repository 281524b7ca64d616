import type { TokenCredential } from '@azure/identity';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { VelocityError } from '../../../base/errors.ts';
import { Secret } from '../../../base/secret.ts';
import type { AzureBucketSettings } from '../../bucket-settings.ts';

export type AzureCredential =
  | { readonly kind: 'key'; readonly key: StorageSharedKeyCredential }
  | { readonly kind: 'sas'; readonly sas: Secret }
  /** URLs signed in an identity's name also say whose account they are for. */
  | { readonly kind: 'token'; readonly token: TokenCredential; readonly account: string };

/** Where the container is and what opens it. */
export interface AzureAccess {
  /** Blob service of the account, without a query: `https://<account>.blob.core.windows.net`. */
  readonly endpoint: string;
  readonly container: string;
  readonly credential: AzureCredential;
}

type AzureSettings = Pick<
  AzureBucketSettings,
  'account' | 'key' | 'sas' | 'connectionString' | 'endpoint'
> & { readonly container: string | undefined };

/** How a setting is called where it is to be set: `account` → `VC_AZURE_ACCOUNT`. */
type Named = (setting: string) => string;

/**
 * A connection string; or account and key; or account (or endpoint) and SAS; else the default credential
 * of the Azure SDK: environment, workload identity, managed identity, developer tools.
 * @throws VelocityError `DRIVER_UNAVAILABLE` for settings that are missing or contradict each other.
 */
export async function azureAccess(settings: AzureSettings, named: Named): Promise<AzureAccess> {
  const { container, connectionString, account: given, key: accountKey, sas } = settings;
  if (container === undefined)
    throw unusable(`The azure driver needs a container: set ${named('container')}.`);
  if (connectionString) return { container, ...readConnectionString(connectionString, settings, named) };
  if (accountKey && sas)
    throw unusable(`${named('key')} and ${named('sas')} are both set: leave one of them out.`);

  const endpoint = endpointOf(settings, named);
  if (accountKey) {
    if (given === undefined)
      throw unusable(`${named('key')} needs the name of its account: set ${named('account')}.`);
    const key = new StorageSharedKeyCredential(given, accountKey.reveal());
    return { container, endpoint, credential: { kind: 'key', key } };
  }
  if (sas) return { container, endpoint, credential: { kind: 'sas', sas } };
  if (!endpoint.startsWith('https://'))
    throw unusable(
      `The default Azure credential is sent over https alone: set ${named('endpoint')} to an https address, or set ${named('key')} or ${named('sas')}.`,
    );
  const account = given ?? new BlobServiceClient(endpoint).accountName;
  if (!account)
    throw unusable(`${named('endpoint')} does not say which account it is: set ${named('account')} too.`);
  const { DefaultAzureCredential } = await import('@azure/identity');
  const token = new DefaultAzureCredential();
  return { container, endpoint, credential: { kind: 'token', token, account } };
}

function endpointOf({ endpoint, account }: AzureSettings, named: Named): string {
  if (endpoint !== undefined) return endpoint.replace(/\/+$/, '');
  if (account !== undefined) return `https://${account}.blob.core.windows.net`;
  throw unusable(
    `The azure driver needs a storage account: set ${named('account')}, ${named('endpoint')} or ${named('connection_string')}.`,
  );
}

function readConnectionString(
  text: Secret,
  { account, key, sas: otherSas, endpoint: otherEndpoint }: AzureSettings,
  named: Named,
): Pick<AzureAccess, 'endpoint' | 'credential'> {
  const others = Object.entries({ key, sas: otherSas, endpoint: otherEndpoint }).flatMap(([name, value]) =>
    value === undefined ? [] : [named(name)],
  );
  if (others.length > 0)
    throw unusable(`${named('connection_string')} says this already: leave out ${others.join(' and ')}.`);

  const { url, credential, accountName } = serviceOf(text, named);
  if (account !== undefined && account !== accountName)
    throw unusable(
      `${named('connection_string')} is for the account "${accountName}" and ${named('account')} says "${account}": leave one of them out.`,
    );
  const [endpoint = '', sas] = url.split('?', 2);
  if (sas)
    return { endpoint: endpoint.replace(/\/+$/, ''), credential: { kind: 'sas', sas: new Secret(sas) } };
  if (!(credential instanceof StorageSharedKeyCredential)) throw unreadable(named);
  return { endpoint: endpoint.replace(/\/+$/, ''), credential: { kind: 'key', key: credential } };
}

function serviceOf(text: Secret, named: Named): BlobServiceClient {
  try {
    return BlobServiceClient.fromConnectionString(text.reveal());
  } catch {
    throw unreadable(named); // without its cause, which may quote what it could not read
  }
}

function unreadable(named: Named): VelocityError {
  return unusable(
    `${named('connection_string')} cannot be read: it is DefaultEndpointsProtocol=…;AccountName=…;AccountKey=…, or BlobEndpoint=…;SharedAccessSignature=….`,
  );
}

function unusable(message: string): VelocityError {
  return new VelocityError('DRIVER_UNAVAILABLE', message);
}
