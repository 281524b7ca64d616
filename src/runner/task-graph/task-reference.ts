/** What an entry of `depends_on` points at. */
export type TaskReference =
  /** `^build`: the task in the packages this one depends on. */
  | { readonly scope: 'dependencies'; readonly task: string }
  /** `build`: the task in the same package. */
  | { readonly scope: 'same'; readonly task: string }
  /** `web#build`: the task in that package. */
  | { readonly scope: 'package'; readonly packageName: string; readonly task: string };

export function parseTaskReference(written: string): TaskReference {
  if (written.startsWith('^')) return { scope: 'dependencies', task: written.slice(1) };
  const hash = written.lastIndexOf('#');
  if (hash < 0) return { scope: 'same', task: written };
  return { scope: 'package', packageName: written.slice(0, hash), task: written.slice(hash + 1) };
}
