/** What the origin answers, once it is asked; `down`: it closes the connection without a word. */
export type Answer = OriginAnswer | 'down';

export interface OriginAnswer {
  readonly status: number;
  /** `Name: value` each. A Date is added where there is none. */
  readonly lines: readonly string[];
  readonly body: string;
  readonly isDated: boolean;
  /** The connection is closed after the body, however long it was to be. */
  readonly isCutOff: boolean;
  /** 1xx that go ahead, each with its lines. */
  readonly interims: readonly (readonly [status: number, ...lines: string[]])[];
}

/** A 200. */
export function ok(body: string, ...lines: readonly string[]): OriginAnswer {
  return { status: 200, lines, body, isDated: true, isCutOff: false, interims: [] };
}

/** Its body is the status. */
export function answers(status: number, ...lines: readonly string[]): OriginAnswer {
  const body = status === 204 || status === 304 ? '' : String(status);
  return { ...ok(body, ...lines), status };
}

/** A 206 with this body, of a whole of so many bytes. */
export function part(body: string, first: number, size: number, ...lines: readonly string[]): OriginAnswer {
  const range = `Content-Range: bytes ${first}-${first + body.length - 1}/${size}`;
  return { ...ok(body, range, ...lines), status: 206 };
}

/** A 200 that ends before its announced length. */
export function cutOff(body: string, announcedBytes: number, ...lines: readonly string[]): OriginAnswer {
  return { ...ok(body, `Content-Length: ${announcedBytes}`, ...lines), isCutOff: true };
}

/** What a client has of a body that did not come whole. */
export const CUT_OFF = '(cut off)';

/** Time that passes between requests. */
export interface Wait {
  readonly seconds: number;
}

export function wait(seconds: number): Wait {
  return { seconds };
}

/** What a client is to see. */
export interface Seen {
  readonly status: number;
  /** `undefined`: in our words, whichever they are. */
  readonly body: string | undefined;
}

/** One request, and everything that has to come of it. */
export class Ask {
  readonly method: string;
  readonly lines: readonly string[];
  readonly target: string = '/thing';
  readonly body: string = '';
  /** What the origin answers, to each time it is asked; it must be asked as often. */
  readonly origins: readonly Answer[] = [];
  /** Asked when the client has its answer. */
  readonly isInBackground: boolean = false;
  readonly seen: Seen | undefined;
  /** Names in lower case, of the response; `undefined`: it is not there. */
  readonly shown: ReadonlyMap<string, string | RegExp | undefined> = new Map();
  /** The same of the last request that the origin gets. */
  readonly sent: ReadonlyMap<string, string | RegExp | undefined> = new Map();

  constructor(method: string, lines: readonly string[]) {
    this.method = method;
    this.lines = lines;
  }

  at(target: string): Ask {
    return this.#with({ target });
  }

  carrying(body: string): Ask {
    return this.#with({ body });
  }

  /** The origin is asked, once more, and the client gets what it answers, unless something else is said after it. */
  fromOrigin(origin: Answer): Ask {
    const origins = [...this.origins, origin];
    if (origin === 'down') return this.#with({ origins });
    const { status, body } = origin;
    return this.#with({ origins, seen: { status, body: this.method === 'HEAD' ? '' : body } });
  }

  /** The origin says of what is stored, which the client gets, that it is still so. */
  validated(origin: Answer, body: string): Ask {
    return this.fromOrigin(origin).gets(200, body);
  }

  /** The origin is not asked. */
  fromStore(body: string, status = 200): Ask {
    return this.gets(status, body);
  }

  /** The origin is asked when the client has been answered from the store. */
  refreshedBy(origin: Answer): Ask {
    return this.#with({ origins: [origin], isInBackground: true });
  }

  /** The cache has nothing else to say than this status. */
  status(status: number): Ask {
    return this.#with({ seen: { status, body: undefined } });
  }

  gets(status: number, body = ''): Ask {
    return this.#with({ seen: { status, body } });
  }

  shows(name: string, value: string | RegExp): Ask {
    return this.#with({ shown: new Map([...this.shown, [name.toLowerCase(), value]]) });
  }

  lacks(...names: readonly string[]): Ask {
    return this.#with({ shown: new Map([...this.shown, ...absent(names)]) });
  }

  sends(name: string, value: string | RegExp): Ask {
    return this.#with({ sent: new Map([...this.sent, [name.toLowerCase(), value]]) });
  }

  omits(...names: readonly string[]): Ask {
    return this.#with({ sent: new Map([...this.sent, ...absent(names)]) });
  }

  #with(changes: Partial<Ask>): Ask {
    return Object.assign(new Ask(this.method, this.lines), this, changes);
  }
}

/** @param lines `Name: value` each */
export function get(...lines: readonly string[]): Ask {
  return new Ask('GET', lines);
}

export function head(...lines: readonly string[]): Ask {
  return new Ask('HEAD', lines);
}

export function send(method: string, ...lines: readonly string[]): Ask {
  return new Ask(method, lines);
}

function absent(names: readonly string[]): (readonly [string, undefined])[] {
  return names.map((name) => [name.toLowerCase(), undefined]);
}
