/** Ends a switch over a union: a new member is then a compile error here, and a crash if types lied. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
