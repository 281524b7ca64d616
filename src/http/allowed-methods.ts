/** Which methods each address takes, so that a wrong one is told from a wrong address. RFC 9110 §15.5.6. */
export class AllowedMethods {
  readonly #routes = new Map<string, { readonly matches: RegExp; readonly methods: Set<string> }>();

  /**
   * @param pattern as Fastify writes them: `:name` is one part of the path, `:name(^[a-z]$)` one of that form, `*` the rest
   * of it
   */
  add(pattern: string, methods: string | readonly string[]): void {
    const route = this.#routes.get(pattern) ?? { matches: toRegExp(pattern), methods: new Set() };
    this.#routes.set(pattern, route);
    for (const method of [methods].flat()) route.methods.add(method);
  }

  /** Sorted; empty where nothing has this address. */
  at(path: string): string[] {
    const found = [...this.#routes.values()].filter(({ matches }) => matches.test(path));
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
  }
}

function toRegExp(pattern: string): RegExp {
  const source = pattern.replaceAll(
    /:[A-Za-z_]\w*(?:\(\^([^()]*)\$\))?|\*|[^:*]+|:/g,
    (part, form?: string) =>
      part === '*' ? '.*' : part.startsWith(':') && part.length > 1 ? (form ?? '[^/]+') : RegExp.escape(part),
  );
  return new RegExp(`^${source}$`, 's');
}
