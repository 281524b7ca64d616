import { messageOf, VelocityError } from '../../../base/errors.ts';
import { didYouMean } from '../../../base/suggest.ts';
import { text } from '../../../config/kinds.ts';
import type { Checked, Mistake } from '../../../config/mistake.ts';
import type { Named, NamedSettings } from '../../../config/named-settings.ts';
import { parseMountPath, parseMountPrefix } from './mount.ts';
import type { ConfiguredMount } from './mount-table.ts';

/** Folders of the files' namespace that are named stores. */
export const mountSettings = {
  key: 'files.mounts',
  noun: 'mount',
  doc: 'Folders whose files are objects of a named store, each under a name of its own, which is its id in the API.',
  names: /^[a-z0-9_-][a-z0-9._-]{0,63}$/,
  namesExpect: '1 to 64 of a-z, 0-9, "-", "_" and ".", the first of them no dot',
  common: {
    path: {
      key: 'path',
      kind: text(),
      required: 'path is missing: name the folder that this mount is',
      doc: 'The folder, from the root of the files on. What lies there in the folder of the files itself is not seen.',
    },
    store: {
      key: 'store',
      kind: text(),
      required: 'store is missing: name one of `stores`',
      doc: 'Name of the store, one of `stores`.',
    },
    prefix: {
      key: 'prefix',
      kind: text(),
      default: '',
      doc: 'What the keys of its objects begin with: a folder in the store. Without it the whole store.',
    },
  },
} as const satisfies NamedSettings;

export type GivenMount = Named<typeof mountSettings>;

/** @param stores the names of those there are */
export function readMountSettings(
  given: readonly GivenMount[],
  stores: readonly string[],
): Checked<readonly ConfiguredMount[]> {
  const mistakes: Mistake[] = [];
  const mounts: ConfiguredMount[] = [];
  for (const { name, values, mistakeAt } of given) {
    const at = (field: string, message: string): Mistake =>
      mistakeAt(field, `${mountSettings.key}.${name}.${field}: ${message}`);
    const parsed = <T>(field: string, parse: () => T): T | undefined => {
      try {
        return parse();
      } catch (error) {
        if (!(error instanceof VelocityError)) throw error;
        mistakes.push(at(field, messageOf(error)));
        return undefined;
      }
    };
    const { store } = values;
    const path = parsed('path', () => parseMountPath(values.path));
    const prefix = parsed('prefix', () => parseMountPrefix(values.prefix));
    if (!stores.includes(store))
      mistakes.push(at('store', `there is no store "${store}"${didYouMean(store, stores)}`));
    const other = mounts.find((mount) => mount.path === path);
    if (other) mistakes.push(at('path', `${other.name} is at ${path} already`));
    if (path !== undefined && prefix !== undefined) mounts.push({ name, path, store, prefix });
  }
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, value: mounts };
}
