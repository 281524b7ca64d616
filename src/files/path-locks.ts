import type { Clock } from '../base/clock.ts';
import { VelocityError } from '../base/errors.ts';
import { type FilePath, parentOf, ROOT } from './file-path.ts';

/** `tree`: the path and all that lies below it. */
export type LockKind = 'file' | 'tree';

export interface WantedLock {
  readonly path: FilePath;
  readonly kind: LockKind;
}

interface PathLocksOptions {
  readonly clock: Clock;
  /** How long a request waits before it is refused. */
  readonly maxWaitMs: number;
}

/**
 * Short, exclusive locks on files and on folders with all they hold. Two locks conflict where they are on one path, or
 * where one lies within the other's tree.
 *
 * A lock stands in queues: one for its file, and one for each tree it lies in, which it shares with all but who wants the
 * tree itself. Requests join all their queues at once, so all queues have one order and nobody waits in a circle; and a
 * later request never overtakes one it conflicts with.
 */
export class PathLocks {
  readonly #queues = new Map<string, Queue>();
  readonly #clock: Clock;
  readonly #maxWaitMs: number;

  constructor({ clock, maxWaitMs }: PathLocksOptions) {
    this.#clock = clock;
    this.#maxWaitMs = maxWaitMs;
  }

  /** Nobody holds a lock or waits for one. */
  get isIdle(): boolean {
    return this.#queues.size === 0;
  }

  /**
   * All of them or none. Locks of one request never conflict with each other. Who holds some must not take more: two who do
   * may wait for each other until both are refused.
   * @throws VelocityError `PATH_BUSY`: not had in time; nothing is held, and it may be tried again
   */
  async take(wanted: readonly WantedLock[]): Promise<Disposable> {
    const request = this.#ask(wanted);
    if (request.turnsToCome > 0) await this.#wait(request, wanted);
    return this.#held(request);
  }

  /** Likewise without a wait. `undefined`: others are before. */
  takeAtOnce(wanted: readonly WantedLock[]): Disposable | undefined {
    const request = this.#ask(wanted);
    if (request.turnsToCome === 0) return this.#held(request);
    this.#leave(request);
    return undefined;
  }

  #ask(wanted: readonly WantedLock[]): Request {
    const request: Request = { places: [], turnsToCome: 0, onGranted: undefined };
    for (const [name, isShared] of queuesOf(wanted)) this.#join(request, name, isShared);
    return request;
  }

  #held(request: Request): Disposable {
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#leave(request);
        isHeld = false;
      },
    };
  }

  #wait(request: Request, wanted: readonly WantedLock[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(this.#maxWaitMs, () => {
        this.#leave(request);
        reject(busy(wanted));
      });
      request.onGranted = () => {
        cancel();
        resolve();
      };
    });
  }

  #join(request: Request, name: string, isShared: boolean): void {
    let queue = this.#queues.get(name);
    if (!queue) {
      queue = new Queue(name);
      this.#queues.set(name, queue);
    }
    if (!queue.join(request, isShared)) request.turnsToCome++;
  }

  #leave(request: Request): void {
    for (const place of request.places) {
      const { queue } = place;
      for (const { request: next } of queue.leave(place)) if (--next.turnsToCome === 0) next.onGranted?.();
      if (queue.isEmpty) this.#queues.delete(queue.name);
    }
  }
}

interface Request {
  readonly places: Place[];
  /** Queues in which others are before it. */
  turnsToCome: number;
  onGranted: (() => void) | undefined;
}

/** Of a request in a queue. */
interface Place {
  readonly request: Request;
  readonly queue: Queue;
  group: Group;
}

/** Those who have their turn together: any number who share, or one who does not. */
interface Group {
  readonly isShared: boolean;
  readonly places: Set<Place>;
}

class Queue {
  readonly name: string;
  /** The first has its turn; two that share never follow each other. */
  readonly #groups: Group[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  /** @returns whether it has its turn at once */
  join(request: Request, isShared: boolean): boolean {
    let group = this.#groups.at(-1);
    if (!group || !isShared || !group.isShared) {
      group = { isShared, places: new Set() };
      this.#groups.push(group);
    }
    const place: Place = { request, queue: this, group };
    group.places.add(place);
    request.places.push(place);
    return group === this.#groups[0];
  }

  /** @returns those who have their turn now, and did not before */
  leave(place: Place): Iterable<Place> {
    const { group } = place;
    group.places.delete(place);
    if (group.places.size > 0) return NOBODY;
    const index = this.#groups.indexOf(group);
    this.#groups.splice(index, 1);
    const next = this.#groups[index];
    if (index === 0) return next?.places ?? NOBODY;
    const before = this.#groups[index - 1];
    if (!next?.isShared || !before?.isShared) return NOBODY;
    this.#groups.splice(index, 1);
    for (const other of next.places) {
      before.places.add(other);
      other.group = before;
    }
    return index === 1 ? next.places : NOBODY;
  }
}

const NOBODY: readonly Place[] = [];

/** The queues to stand in, each with whether it is shared. That of a tree has a slash at its end, as no path has. */
function queuesOf(wanted: readonly WantedLock[]): Map<string, boolean> {
  const queues = new Map<string, boolean>();
  for (const { path, kind } of wanted) {
    queues.set(kind === 'tree' ? `${path}/` : path, false);
    for (let tree = path; ; tree = parentOf(tree)) {
      const name = `${tree}/`;
      if (!queues.has(name)) queues.set(name, true);
      if (tree === ROOT) break;
    }
  }
  return queues;
}

function busy(wanted: readonly WantedLock[]): VelocityError {
  const paths = wanted.map(({ path }) => `"/${path}"`).join(' or ');
  return new VelocityError(
    'PATH_BUSY',
    `Another change of ${paths} is under way. Nothing was changed; try again.`,
  );
}
