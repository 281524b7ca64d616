import type { TokenCredential } from '@azure/identity';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { VelocityError } from '../../../base/errors.ts';
import { Secret } from '../../../base/secret.ts';
import type { StorageSettings } from '../../settings.ts';

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
  StorageSettings,
  'azureContainer' | 'azureAccount' | 'azureKey' | 'azureSas' | 'azureConnectionString' | 'azureEndpoint'
>;

/**
 * A connection string; or account and key; or account (or endpoint) and SAS; else the default credential
 * of the Azure SDK: environment, workload identity, managed identity, developer tools.
 * @throws VelocityError `DRIVER_UNAVAILABLE` for settings that are missing or contradict each other.
 */
export async function azureAccess(settings: AzureSettings): Promise<AzureAccess> {
  const { azureContainer: container, azureConnectionString, azureAccount, azureKey, azureSas } = settings;
  if (container === undefined) throw unusable('The azure driver needs a container: set VC_AZURE_CONTAINER.');
  if (azureConnectionString) return { container, ...readConnectionString(azureConnectionString, settings) };
  if (azureKey && azureSas)
    throw unusable('VC_AZURE_KEY and VC_AZURE_SAS are both set: leave one of them out.');

  const endpoint = endpointOf(settings);
  if (azureKey) {
    if (azureAccount === undefined)
      throw unusable('VC_AZURE_KEY needs the name of its account: set VC_AZURE_ACCOUNT.');
    const key = new StorageSharedKeyCredential(azureAccount, azureKey.reveal());
    return { container, endpoint, credential: { kind: 'key', key } };
  }
  if (azureSas) return { container, endpoint, credential: { kind: 'sas', sas: azureSas } };
  if (!endpoint.startsWith('https://'))
    throw unusable(
      'The default Azure credential is sent over https alone: set VC_AZURE_ENDPOINT to an https address, or set VC_AZURE_KEY or VC_AZURE_SAS.',
    );
  const account = azureAccount ?? new BlobServiceClient(endpoint).accountName;
  if (!account)
    throw unusable('VC_AZURE_ENDPOINT does not say which account it is: set VC_AZURE_ACCOUNT too.');
  const { DefaultAzureCredential } = await import('@azure/identity');
  const token = new DefaultAzureCredential();
  return { container, endpoint, credential: { kind: 'token', token, account } };
}

function endpointOf({ azureEndpoint, azureAccount }: AzureSettings): string {
  if (azureEndpoint !== undefined) return azureEndpoint.replace(/\/+$/, '');
  if (azureAccount !== undefined) return `https://${azureAccount}.blob.core.windows.net`;
  throw unusable(
    'The azure driver needs a storage account: set VC_AZURE_ACCOUNT, VC_AZURE_ENDPOINT or VC_AZURE_CONNECTION_STRING.',
  );
}

function readConnectionString(
  text: Secret,
  { azureAccount, azureKey, azureSas, azureEndpoint }: AzureSettings,
): Pick<AzureAccess, 'endpoint' | 'credential'> {
  const others = Object.entries({
    VC_AZURE_KEY: azureKey,
    VC_AZURE_SAS: azureSas,
    VC_AZURE_ENDPOINT: azureEndpoint,
  }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (others.length > 0)
    throw unusable(`VC_AZURE_CONNECTION_STRING says this already: leave out ${others.join(' and ')}.`);

  const { url, credential, accountName } = serviceOf(text);
  if (azureAccount !== undefined && azureAccount !== accountName)
    throw unusable(
      `VC_AZURE_CONNECTION_STRING is for the account "${accountName}" and VC_AZURE_ACCOUNT says "${azureAccount}": leave one of them out.`,
    );
  const [endpoint = '', sas] = url.split('?', 2);
  if (sas)
    return { endpoint: endpoint.replace(/\/+$/, ''), credential: { kind: 'sas', sas: new Secret(sas) } };
  if (!(credential instanceof StorageSharedKeyCredential)) throw unreadable();
  return { endpoint: endpoint.replace(/\/+$/, ''), credential: { kind: 'key', key: credential } };
}

function serviceOf(text: Secret): BlobServiceClient {
  try {
    return BlobServiceClient.fromConnectionString(text.reveal());
  } catch {
    throw unreadable(); // without its cause, which may quote what it could not read
  }
}

function unreadable(): VelocityError {
  return unusable(
    'VC_AZURE_CONNECTION_STRING cannot be read: it is DefaultEndpointsProtocol=…;AccountName=…;AccountKey=…, or BlobEndpoint=…;SharedAccessSignature=….',
  );
}

function unusable(message: string): VelocityError {
  return new VelocityError('DRIVER_UNAVAILABLE', message);
}
