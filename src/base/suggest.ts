/** The known name a mistyped one most likely meant; `undefined` where none is near enough to be a help. */
export function suggest(typed: string, known: Iterable<string>): string | undefined {
  const wanted = typed.toLowerCase();
  // A third of the letters may be wrong: `dependsOnn` finds `depends_on`, `port` does not find `host`.
  let nearest = Math.max(1, Math.floor(typed.length / 3)) + 1;
  let best: string | undefined;
  for (const name of known) {
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance < nearest) {
      nearest = distance;
      best = name;
    }
  }
  return best;
}

/** ` (did you mean "x"?)`, or nothing: the tail of an error sentence. */
export function didYouMean(typed: string, known: Iterable<string>): string {
  const name = suggest(typed, known);
  return name === undefined ? '' : ` (did you mean "${name}"?)`;
}

/** Levenshtein distance over one row. */
function editDistance(a: string, b: string): number {
  const row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0] ?? 0;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] ?? 0;
      const substitution = diagonal + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(above + 1, (row[j - 1] ?? 0) + 1, substitution);
      diagonal = above;
    }
  }
  return row[b.length] ?? 0;
}
