import picomatch from 'picomatch';

/** Dots need no special mention; a name may hold a line break. */
const GLOB_OPTIONS = { dot: true, flags: 's' };

/** Tells whether a path, with forward slashes, is meant by a list of patterns. */
export type PathMatcher = (path: string) => boolean;

/**
 * A list of globs read in order: `a/**` takes in, `!a/b` takes out again, the last that
 * matches decides. Dots need no special mention.
 * @param reach `below`: a pattern that names a folder means all below it; `exact`: it means the folder.
 */
export function compilePatterns(
  patterns: readonly string[],
  reach: 'below' | 'exact' = 'below',
): PathMatcher {
  const rules = patterns.map((pattern) => {
    const { excludes, glob } = splitPattern(pattern);
    return { excludes, matches: reach === 'below' ? compileGlob(glob) : compileExact(pattern, glob) };
  });
  return (path) => lastRuleDecides(rules, (matches) => matches(path));
}

/** `.` is the one folder that patterns count from, which itself has no name. */
function compileExact(written: string, glob: string): PathMatcher {
  const isItself = glob === '' || /^!?\.(?:\/+\.)*\/*$/.test(written);
  return isItself ? (path) => path === '' : picomatch(glob, GLOB_OPTIONS);
}

/** Whether the last rule that matches takes in. */
export function lastRuleDecides<T>(
  rules: readonly { readonly excludes: boolean; readonly matches: T }[],
  test: (matches: T) => boolean,
): boolean {
  let included = false;
  for (const { excludes, matches } of rules) if (included === excludes && test(matches)) included = !excludes;
  return included;
}

/** `!a//b/` → excludes, `a/b`. */
export function splitPattern(pattern: string): { readonly excludes: boolean; readonly glob: string } {
  const excludes = pattern.startsWith('!');
  return { excludes, glob: normalise(excludes ? pattern.slice(1) : pattern) };
}

/** `./a//b/` → `a/b`; `.` is everything below. */
export function normalise(pattern: string): string {
  return pattern
    .replaceAll(/\/{2,}/g, '/')
    .replace(/^(?:\.\/)+(?=.)/s, '')
    .replace(/\/$/, '')
    .replace(/^\.$/, '**');
}

export function isGlob(pattern: string): boolean {
  return picomatch.scan(pattern).isGlob;
}

/** The part of a glob before its first special character: the folder below which everything it means lies. */
export function staticBase(pattern: string): string {
  const { base, isGlob: hasGlob } = picomatch.scan(normalise(pattern.replace(/^!/, '')));
  return hasGlob ? (base === '.' ? '' : base) : normalise(pattern.replace(/^!/, ''));
}

/** One glob; one that names a folder means all below it. */
export function compileGlob(glob: string): PathMatcher {
  // The common forms need no regular expression.
  if (glob === '**' || glob === '**/*') return () => true;
  if (!isGlob(glob)) return (path) => path === glob || path.startsWith(`${glob}/`);
  if (glob.endsWith('/**') && !isGlob(glob.slice(0, -3))) {
    const folder = glob.slice(0, -3);
    return (path) => path === folder || path.startsWith(`${folder}/`);
  }
  const itself = picomatch(glob, GLOB_OPTIONS);
  // `*` and `a/*` name what lies directly there.
  const below = /(?:^|\/)\*\*?$/.test(glob) ? undefined : picomatch(`${glob}/**`, GLOB_OPTIONS);
  return (path) => itself(path) || (below?.(path) ?? false);
}
