/** Shorter parts of a text are copies. */
const SHORTEST_CUT = 13;

/**
 * The same text without the one that it was cut from, all of which it would hold; for texts that are kept. Put together anew
 * and cut again, it holds no more than itself: a copy by other means costs several times as much.
 */
export function ownText(text: string): string {
  return text.length < SHORTEST_CUT ? text : ` ${text}`.slice(1);
}
