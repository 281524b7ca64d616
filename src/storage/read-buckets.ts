import { didYouMean } from '../base/suggest.ts';
import { unreachable } from '../base/unreachable.ts';
import type { Checked, Mistake } from '../config/mistake.ts';
import type { Named } from '../config/named-settings.ts';
import type { NamedStoreSettings, storeSettings } from './bucket-settings.ts';
import { withScheme } from './endpoint.ts';

export type NamedStore = Named<typeof storeSettings>;

/** What each store is, once its settings agree with each other. */
export function readBuckets(stores: readonly NamedStore[]): Checked<ReadonlyMap<string, NamedStoreSettings>> {
  const mistakes = stores.flatMap((store) => mistakesOf(store, stores));
  if (mistakes.length > 0) return { ok: false, mistakes };
  return { ok: true, value: new Map(stores.map((store) => [store.name, toBucket(store)])) };
}

function toBucket({ type, values }: NamedStore): NamedStoreSettings {
  switch (type) {
    case 's3': {
      const { accessKey, secretKey, allowHttp, endpoint: written, pathStyle, ...same } = values;
      const credentials = accessKey && secretKey && { accessKey, secretKey };
      const endpoint = withScheme(written, allowHttp);
      return { type, ...same, endpoint, credentials, pathStyle: pathStyle ?? endpoint !== undefined };
    }
    case 'azure':
      return { type, ...values, endpoint: withScheme(values.endpoint, false) };
    case 'gcs':
      return { type, ...values, endpoint: withScheme(values.endpoint, false) };
    case 'rclone':
      return { type, ...values };
    case 'local':
      return { type, ...values };
    case 'failover':
      return { type, ...values };
    default:
      return unreachable(type);
  }
}

function mistakesOf(store: NamedStore, all: readonly NamedStore[]): Mistake[] {
  const at = (field: string, message: string): Mistake =>
    store.mistakeAt(field, `stores.${store.name}.${field}: ${message}`);
  if (store.type === 'azure') return azureMistakes(store.values, at);
  if (store.type === 'rclone') return rcloneMistakes(store.values, at);
  if (store.type === 'failover') return failoverMistakes(store, all).map((message) => at('stores', message));
  if (store.type !== 's3') return [];
  const { accessKey, secretKey, allowHttp, endpoint } = store.values;
  const mistakes: Mistake[] = [];
  if (secretKey && !accessKey) mistakes.push(at('access_key', 'is missing beside secret_key'));
  if (accessKey && !secretKey) mistakes.push(at('secret_key', 'is missing beside access_key'));
  if (!allowHttp && endpoint?.toLowerCase().startsWith('http://'))
    mistakes.push(at('endpoint', 'is not encrypted: use https://, or set allow_http: true beside it'));
  return mistakes;
}

type AzureValues = Extract<NamedStore, { type: 'azure' }>['values'];

/** What they do not say of account and endpoint, the connection string may; it is read with the SDK, by the driver. */
function azureMistakes(
  { connectionString, account, key, sas, endpoint }: AzureValues,
  at: (field: string, message: string) => Mistake,
): Mistake[] {
  if (connectionString) {
    const others = Object.entries({ key, sas, endpoint }).filter(([, value]) => value !== undefined);
    return others.map(([field]) => at(field, 'connection_string says this already: leave one of them out'));
  }
  if (key && sas) return [at('sas', 'key is set too: leave one of them out')];
  if (key && account === undefined) return [at('account', 'is missing beside key')];
  if (account === undefined && endpoint === undefined)
    return [at('account', 'is missing: set it, or endpoint, or connection_string')];
  return [];
}

type RcloneValues = Extract<NamedStore, { type: 'rclone' }>['values'];

/** What rclone would read as something else than a name and a path, or write into an operator's file. */
function rcloneMistakes(
  { remote, path, options, configFile }: RcloneValues,
  at: (field: string, message: string) => Mistake,
): Mistake[] {
  const mistakes: Mistake[] = [];
  if (!/^[\w.+@-]+(?: +[\w.+@-]+)*$/.test(remote))
    mistakes.push(at('remote', 'expected a name alone, such as sftp; what stands behind its colon is path'));
  if (path?.includes(']')) mistakes.push(at('path', 'may not hold "]"'));
  if (options && configFile !== undefined)
    mistakes.push(at('options', 'config_file says them: leave one of them out'));
  return mistakes;
}

/** A read that finds nothing asks every one of them. */
const MAX_FAILOVER_STORES = 3;

function failoverMistakes(
  { name: own, values: { stores } }: Extract<NamedStore, { type: 'failover' }>,
  all: readonly NamedStore[],
): string[] {
  const known = all.filter(({ name, type }) => name !== own && type !== 'failover').map(({ name }) => name);
  const mistakes = stores.flatMap((name, index) => {
    if (name === own) return ['names itself'];
    if (stores.indexOf(name) < index) return [`names ${name} twice`];
    if (known.includes(name)) return [];
    if (all.some((other) => other.name === name))
      return [`${name} is of type failover itself: name the stores that it names`];
    return [`there is no store "${name}"${didYouMean(name, known)}`];
  });
  if (stores.length <= MAX_FAILOVER_STORES) return mistakes;
  return [...mistakes, `names ${stores.length} stores, of at most ${MAX_FAILOVER_STORES}`];
}
