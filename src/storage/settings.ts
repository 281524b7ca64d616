import { httpUrl, oneOf, text, trueOrFalse, wholeNumber } from '../config/kinds.ts';
import type { Settings, Values } from '../config/setting.ts';

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
  retentionDays: {
    key: 'retention.days',
    kind: wholeNumber(1, 36_500, 'a whole number of days'),
    doc: 'Age after which an artifact may be removed. Accepted and shown; removal by age is not done yet.',
  },
} as const satisfies Settings;

export type StorageSettings = Values<typeof storageSettings>;
