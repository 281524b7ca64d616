import { byteSize, httpUrl, oneOf, secret, text, trueOrFalse, wholeNumber } from '../config/kinds.ts';
import type { Settings, Values } from '../config/setting.ts';
import type { PruneLimits } from './prune.ts';

export const storageSettings = {
  storageDriver: {
    key: 'storage.driver',
    kind: oneOf(['local', 's3', 'gcs', 'azure']),
    default: 'local',
    doc: 'Where artifacts are kept.',
  },
  localRoot: {
    key: 'local.root',
    kind: text(),
    default: './data',
    doc: 'Folder of the local driver; made where it is missing.',
  },
  localFsync: {
    key: 'local.fsync',
    kind: trueOrFalse(),
    default: false,
    doc: 'Flush each artifact to the disk before it is published. Without it a power cut may lose or tear the newest artifacts; torn ones are found and read as a miss.',
  },
  s3Bucket: { key: 's3.bucket', kind: text(), doc: 'Bucket of the s3 driver.' },
  s3Region: { key: 's3.region', kind: text(), default: 'us-east-1', doc: 'Region of the bucket.' },
  s3Endpoint: {
    key: 's3.endpoint',
    kind: httpUrl(),
    envAliases: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
    doc: 'Endpoint of an S3-compatible server; without it, AWS itself.',
  },
  s3PathStyle: {
    key: 's3.path_style',
    kind: trueOrFalse(),
    doc: 'Address the bucket as the first part of the path. On by itself where an endpoint is set.',
  },
  gcsBucket: { key: 'gcs.bucket', kind: text(), doc: 'Bucket of the gcs driver.' },
  gcsEndpoint: {
    key: 'gcs.endpoint',
    kind: httpUrl(),
    doc: 'Another endpoint than Google’s own, such as a private one.',
  },
  azureContainer: { key: 'azure.container', kind: text(), doc: 'Container of the azure driver.' },
  azureAccount: {
    key: 'azure.account',
    kind: text(),
    envAliases: ['AZURE_STORAGE_ACCOUNT'],
    doc: 'Storage account of the azure driver.',
  },
  azureKey: {
    key: 'azure.key',
    kind: secret(),
    envAliases: ['AZURE_STORAGE_KEY'],
    doc: 'Key of the storage account. Without key, SAS and connection string, the default credential of the Azure SDK.',
  },
  azureSas: {
    key: 'azure.sas',
    kind: secret(),
    envAliases: ['AZURE_STORAGE_SAS_TOKEN'],
    doc: 'Shared access signature for the container. It cannot sign further URLs, so bytes pass through the server.',
  },
  azureConnectionString: {
    key: 'azure.connection_string',
    kind: secret(),
    envAliases: ['AZURE_STORAGE_CONNECTION_STRING'],
    doc: 'Connection string of the storage account, in place of account, key, SAS and endpoint.',
  },
  azureEndpoint: {
    key: 'azure.endpoint',
    kind: httpUrl(),
    doc: 'Blob endpoint, where it is not https://<account>.blob.core.windows.net.',
  },
  allowOverwriteRace: {
    key: 'allow.overwrite_race',
    kind: trueOrFalse(),
    default: false,
    doc: 'Start on a storage that cannot decide first writes in one step. Two uploads of one key at once may then both be stored, the later one over the earlier.',
  },
  retentionDays: {
    key: 'retention.days',
    kind: wholeNumber(1, 36_500, 'a whole number of days'),
    doc: 'Artifacts that were not used for so long are removed, every hour. The local driver; buckets have lifecycle rules.',
  },
  retentionMaxSize: {
    key: 'retention.max_size',
    kind: byteSize(),
    doc: 'How much the local driver keeps, such as 100GiB; beyond it the least recently used artifacts are removed, every hour.',
  },
  retentionMaxEntries: {
    key: 'retention.max_entries',
    kind: wholeNumber(1, 1_000_000_000, 'a number of artifacts'),
    doc: 'How many artifacts the local driver keeps; beyond it the least recently used are removed, every hour.',
  },
} as const satisfies Settings;

export type StorageSettings = Values<typeof storageSettings>;

/** What is to be kept of a storage; `undefined` where nothing limits it. */
export function retentionLimits(settings: StorageSettings): PruneLimits | undefined {
  const { retentionDays, retentionMaxSize: maxBytes, retentionMaxEntries: maxEntries } = settings;
  if (retentionDays === undefined && maxBytes === undefined && maxEntries === undefined) return undefined;
  return { maxAgeMs: retentionDays && retentionDays * DAY_MS, maxBytes, maxEntries };
}

const DAY_MS = 24 * 3600_000;
