import { VelocityError } from '../../../base/errors.ts';
import { remembered } from '../../../base/remembered.ts';

/** Where a backend is chosen for requests. */
export interface Routed {
  /** In lower case; `*.example.org` is all below it. `undefined`: those that nobody else names. */
  readonly hosts: readonly string[] | undefined;
  /** Without a slash at its end; empty for all paths. */
  readonly path: string;
}

const ANY_HOST = '*';
/** No name of the DNS is longer (RFC 1035 §2.3.4). */
const LONGEST_NAME = 255;

/**
 * Which of several is for a request: first by its host, an exact name before the longest wildcard before none; there by
 * the longest path. A host whose paths all differ is looked for further on, as if it had not been named.
 */
export class Routes<T extends Routed> {
  readonly #byHost = new Map<string, T[]>();
  /** All that are for a host, the strongest first. */
  readonly #candidatesFor = remembered((host) => {
    const name = host.replace(/:\d+$/, '').replace(/\.$/, '');
    return [...patternsOf(name)].flatMap((pattern) => this.#byHost.get(pattern) ?? []);
  });

  constructor(all: readonly T[]) {
    for (const one of all)
      for (const host of one.hosts ?? [ANY_HOST]) {
        const others = this.#byHost.get(host) ?? [];
        this.#byHost.set(
          host,
          [...others, one].sort((a, b) => b.path.length - a.path.length),
        );
      }
  }

  /**
   * @param host in lower case, with or without a port
   * @param target in origin-form, or `*`
   * @throws VelocityError `HOST_UNKNOWN`, or `NOT_FOUND` where the host is known and the path is not
   */
  choose(host: string, target: string): T {
    const candidates = this.#candidatesFor(host);
    for (const one of candidates) if (isBelow(target, one.path)) return one;
    if (candidates.length > 0)
      throw new VelocityError('NOT_FOUND', 'No backend is for this path.', { field: 'path' });
    throw new VelocityError('HOST_UNKNOWN', 'No backend is for this host.', { field: 'host' });
  }
}

/** The strongest first. */
function* patternsOf(name: string): Iterable<string> {
  if (name.length <= LONGEST_NAME) yield* namesAbove(name);
  yield ANY_HOST;
}

function* namesAbove(name: string): Iterable<string> {
  yield name;
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) yield `*${name.slice(dot)}`;
}

/** `/api` is above `/api`, `/api?x` and `/api/x`, not above `/apix`. */
function isBelow(target: string, prefix: string): boolean {
  if (prefix === '') return true;
  if (!target.startsWith(prefix)) return false;
  const next = target[prefix.length];
  return next === undefined || next === '/' || next === '?';
}
