import { isSecretKind } from './kinds.ts';
import type { Settings } from './setting.ts';

/** The last parts of the keys of secrets, as they stand in a YAML file. */
export function secretNames(...declared: readonly Settings[]): string[] {
  const secrets = declared.flatMap((settings) =>
    Object.values(settings).filter((setting) => isSecretKind(setting.kind)),
  );
  return [...new Set(secrets.map(({ key }) => key.split('.').at(-1) ?? key))];
}

/**
 * The lines of a YAML text without what stands behind these names, for showing some of them around a mistake: also in
 * maps on one line, and in texts of several lines. What is no YAML is masked as far as it looks like it.
 */
export function maskSecrets(text: string, names: readonly string[]): string {
  if (names.length === 0) return text;
  const name = `(?<![\\w-])["']?(?:${names.join('|')})["']?\\s*:`;
  const map = `\\{(?:"(?:[^"\\\\]|\\\\.)*(?:"|$)|'[^']*(?:'|$)|\\$\\{[^}]*\\}|[^}"'])*`;
  const value = new RegExp(
    `(${name}\\s+)(${map}\\}?|"(?:[^"\\\\]|\\\\.)*"?|'[^']*'?|[^\\s,}\\]#][^,}\\]\\n]*)`,
    'g',
  );
  const opening = new RegExp(`^(\\s*)(?:- )?${name}\\s*(?:[|>][-+\\d]*)?\\s*$`);
  const openMap = new RegExp(`${name}\\s+${map}$`);
  let within: number | undefined;
  return text
    .split('\n')
    .map((line) => {
      const indent = line.length - line.trimStart().length;
      if (within !== undefined && line.trim() !== '') {
        if (indent > within) return `${line.slice(0, indent)}***`;
        within = undefined;
      }
      const opened = opening.exec(line);
      if (opened) within = opened[1]?.length;
      else if (openMap.test(line)) within = indent;
      return line.replaceAll(value, '$1***');
    })
    .join('\n');
}
