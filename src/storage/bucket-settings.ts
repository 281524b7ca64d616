import type { Secret } from '../base/secret.ts';
import { names, quantile, secret, secretOptions, text, trueOrFalse } from '../config/kinds.ts';
import type { NamedSettings } from '../config/named-settings.ts';
import { endpoint } from './endpoint.ts';

const bucket = (what: string) => `bucket is missing: name the bucket of ${what} that this store is`;

/** Of stores behind a network. */
const hedgeQuantile = {
  key: 'hedge_quantile',
  kind: quantile(),
  doc: 'A read that takes longer than this share of the latest ones did is sent a second time, for at most one read in twenty; the first answer counts. 0.99 is usual. Without it nothing is sent twice.',
} as const;

/** The stores of the object gateway. */
export const storeSettings = {
  key: 'stores',
  noun: 'store',
  doc: 'Buckets that the object gateway opens, each under a name of its own, which is the first part of its paths.',
  names: /^[a-z0-9_-][a-z0-9._-]{0,63}$/,
  namesExpect: '1 to 64 of a-z, 0-9, "-", "_" and ".", the first of them no dot',
  common: {
    immutable: {
      key: 'immutable',
      kind: trueOrFalse(),
      default: false,
      doc: 'Whether the gateway refuses to replace an object that is there: such a PUT is answered 409.',
    },
  },
  types: {
    s3: {
      bucket: { key: 'bucket', kind: text(), required: bucket('S3'), doc: 'Bucket.' },
      region: { key: 'region', kind: text(), default: 'us-east-1', doc: 'Region of the bucket.' },
      endpoint: {
        key: 'endpoint',
        kind: endpoint(),
        doc: 'Endpoint of an S3-compatible server; without it, AWS itself. Without a scheme it is https, but http where `allow_http` is set and on this machine (`localhost`).',
      },
      accessKey: {
        key: 'access_key',
        kind: secret(),
        doc: 'Access key. Without it and `secret_key` the credentials come from where AWS looks for them: environment, files, roles.',
      },
      secretKey: { key: 'secret_key', kind: secret(), doc: 'Secret of the access key.' },
      allowHttp: {
        key: 'allow_http',
        kind: trueOrFalse(),
        default: false,
        doc: 'Take an endpoint of http://, over which anybody on the way reads and changes objects.',
      },
      pathStyle: {
        key: 'path_style',
        kind: trueOrFalse(),
        doc: 'Address the bucket as the first part of the path. On by itself where an endpoint is set.',
      },
      hedgeQuantile,
    },
    azure: {
      container: {
        key: 'container',
        kind: text(),
        required: 'container is missing: name the container of Azure Blob Storage that this store is',
        doc: 'Container.',
      },
      connectionString: {
        key: 'connection_string',
        kind: secret(),
        doc: 'Connection string of the storage account, in place of account, key, SAS and endpoint.',
      },
      account: { key: 'account', kind: text(), doc: 'Storage account.' },
      key: {
        key: 'key',
        kind: secret(),
        doc: 'Key of the storage account. Without key, SAS and connection string, the default credential of the Azure SDK.',
      },
      sas: { key: 'sas', kind: secret(), doc: 'Shared access signature for the container.' },
      endpoint: {
        key: 'endpoint',
        kind: endpoint(),
        doc: 'Blob endpoint, where it is not https://<account>.blob.core.windows.net.',
      },
      hedgeQuantile,
    },
    gcs: {
      bucket: { key: 'bucket', kind: text(), required: bucket('GCS'), doc: 'Bucket.' },
      endpoint: {
        key: 'endpoint',
        kind: endpoint(),
        doc: 'Another endpoint than Google’s own, such as a private one.',
      },
      hedgeQuantile,
    },
    local: {
      root: {
        key: 'root',
        kind: text(),
        required: 'root is missing: name the folder that this store is',
        doc: 'Folder in the format of the local driver, in which files that others put there are not seen; made where it is missing.',
      },
    },
    rclone: {
      remote: {
        key: 'remote',
        kind: text(),
        required:
          'remote is missing: name a backend of rclone, such as sftp ("rclone help backends" lists them), or beside config_file a remote of that file',
        doc: 'Backend of rclone that is reached, such as `sftp`; beside `config_file` the name of a remote in that file.',
      },
      path: {
        key: 'path',
        kind: text(),
        doc: 'Where the objects are on the remote: a folder, or a bucket and what is below it.',
      },
      options: {
        key: 'options',
        kind: secretOptions(),
        doc: 'Options of the backend, as rclone calls them in its configuration file; passwords in plain text. All of them are kept secret.',
      },
      configFile: {
        key: 'config_file',
        kind: text(),
        doc: 'An `rclone.conf` that names the remote, in place of `options`. Tokens that rclone refreshes are written to it.',
      },
      program: {
        key: 'program',
        kind: text(),
        default: 'rclone',
        doc: 'The program, by its name in `PATH` or its path.',
      },
      hedgeQuantile,
    },
    failover: {
      stores: {
        key: 'stores',
        kind: names('stores'),
        required: 'stores is missing: name the stores that this one reads from, the preferred one first',
        doc: 'Names of up to three other stores with the same objects, the preferred one first. What one fails to answer or does not have is read from the next; writes go to the first alone.',
      },
    },
  },
} as const satisfies NamedSettings;

interface Bucket {
  readonly immutable: boolean;
}

interface RemoteBucket extends Bucket {
  /** From 0 to below 1; `undefined`: nothing is hedged. */
  readonly hedgeQuantile: number | undefined;
}

export interface S3BucketSettings extends RemoteBucket {
  readonly type: 's3';
  readonly bucket: string;
  readonly region: string;
  /** A URL; `undefined` is AWS. */
  readonly endpoint: string | undefined;
  /** `undefined`: from where AWS looks for them. */
  readonly credentials: { readonly accessKey: Secret; readonly secretKey: Secret } | undefined;
  readonly pathStyle: boolean;
}

export interface AzureBucketSettings extends RemoteBucket {
  readonly type: 'azure';
  readonly container: string;
  readonly connectionString: Secret | undefined;
  readonly account: string | undefined;
  readonly key: Secret | undefined;
  readonly sas: Secret | undefined;
  readonly endpoint: string | undefined;
}

export interface GcsBucketSettings extends RemoteBucket {
  readonly type: 'gcs';
  readonly bucket: string;
  readonly endpoint: string | undefined;
}

export interface RcloneBucketSettings extends RemoteBucket {
  readonly type: 'rclone';
  /** A type of backend; beside `configFile` the name of a remote. */
  readonly remote: string;
  readonly path: string | undefined;
  readonly options: Readonly<Record<string, Secret>> | undefined;
  readonly configFile: string | undefined;
  readonly program: string;
}

export interface LocalBucketSettings extends Bucket {
  readonly type: 'local';
  readonly root: string;
}

/** One named store with a backend of its own, as it can be opened. */
export type BucketSettings =
  | S3BucketSettings
  | AzureBucketSettings
  | GcsBucketSettings
  | RcloneBucketSettings
  | LocalBucketSettings;

/** Buckets behind one name. */
export interface FailoverSettings extends Bucket {
  readonly type: 'failover';
  /** Names of theirs, one at least, the preferred one first. */
  readonly stores: readonly string[];
}

export type NamedStoreSettings = BucketSettings | FailoverSettings;
