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

/** Optimal string alignment: a letter added, left out or wrong counts one, and so do two neighbours swapped. */
function editDistance(a: string, b: string): number {
  let [twoUp, above]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) distance = Math.min(distance, (twoUp[j - 2] ?? 0) + 1);
      row.push(distance);
    }
    [twoUp, above] = [above, row];
  }
  return above[b.length] ?? 0;
}
