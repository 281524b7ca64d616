import type { Checked } from './mistake.ts';
import type { YamlFile } from './yaml-file.ts';

/** Sections at the top of files that another program calls otherwise: its name for one → ours. */
export type SectionAliases = Readonly<Record<string, string>>;

/** A file by our names. Positions stay those of what is written; a section that is there by both names is a mistake. */
export function withSectionAliases(file: YamlFile, aliases: SectionAliases): Checked<YamlFile> {
  let renamed: Checked<YamlFile> = { ok: true, value: file };
  for (const [alias, section] of Object.entries(aliases))
    if (renamed.ok) renamed = withSectionAlias(renamed.value, alias, section);
  return renamed;
}

function withSectionAlias(file: YamlFile, alias: string, section: string): Checked<YamlFile> {
  const { data } = file;
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, alias))
    return { ok: true, value: file };
  if (Object.hasOwn(data, section)) {
    const message = `"${alias}" is another name for "${section}", which is there too: leave one of them out`;
    return { ok: false, mistakes: [{ message, position: file.positionOf([alias], 'key') }] };
  }
  const written = (path: readonly PropertyKey[]): readonly PropertyKey[] =>
    path[0] === section ? [alias, ...path.slice(1)] : path;
  const renamed = Object.entries(data).map(([key, value]) => [key === alias ? section : key, value]);
  return {
    ok: true,
    value: {
      ...file,
      data: Object.fromEntries(renamed),
      writtenAt: (path) => file.writtenAt(written(path)),
      positionOf: (path, part) => file.positionOf(written(path), part),
    },
  };
}
