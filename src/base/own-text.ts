/** The same text without the one that it was cut from, all of which it would hold; for texts that are kept. */
export function ownText(text: string): string {
  return structuredClone(text);
}
