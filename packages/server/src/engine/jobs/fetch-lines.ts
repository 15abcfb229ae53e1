import { Waiter } from './waiter.ts';

/** A line claims again after this long, in milliseconds, because a wake-up is only a hint. */
const pollMs = 1_000;
/** Most polls of a server per second: with more lines than that, each line polls less often. */
const pollsPerSecond = 100;
const maxPollMs = 30_000;
/** A fetch that gets a job wakes so many others: a thousand waiting fetches are all awake after ten rounds. */
const followers = 2;

/**
 * Fetches that wait for a job. Fetches of the same queues form a line, and only one of them claims at a wake-up or
 * poll. A fetch that gets a job wakes two others, since there may be more jobs. An idle second and a single job
 * therefore cost the same with ten waiting workers and with two thousand.
 */
export class FetchLines {
  readonly #lines = new Map<string, Line>();
  readonly #byQueue = new Map<string, Set<Line>>();

  /** Joins before the first claim, so that a job that arrives between claim and wait is not missed. */
  join(queues: readonly string[], worker: string | null): Place {
    const key = queues.join();
    const line = this.#lines.get(key) ?? this.#begin(key, queues);
    return new Place(line, worker, () => {
      if (line.places.size === 0) this.#end(line);
    });
  }

  /** Jobs may have become available in the queue, or in any queue for null. */
  wake(queue: string | null): void {
    for (const line of queue === null ? this.#lines.values() : (this.#byQueue.get(queue) ?? []))
      wakeSome(line.places, 1);
  }

  wakeAll(): void {
    for (const { places } of this.#lines.values()) for (const place of places) place.wake();
  }

  /** Ends the fetches of a worker that has gone: they must claim nothing more. */
  end(worker: string): void {
    for (const { places } of this.#lines.values()) for (const place of places) if (place.worker === worker) place.end();
  }

  /** How long a line rests after an empty claim, in milliseconds. */
  get pollMs(): number {
    return Math.min(maxPollMs, pollMs * Math.max(1, this.#lines.size / pollsPerSecond));
  }

  #begin(key: string, queues: readonly string[]): Line {
    const line: Line = { key, queues, places: new Set(), asker: null };
    this.#lines.set(key, line);
    for (const queue of queues) {
      const lines = this.#byQueue.get(queue);
      if (lines) lines.add(line);
      else this.#byQueue.set(queue, new Set([line]));
    }
    return line;
  }

  #end(line: Line): void {
    this.#lines.delete(line.key);
    for (const queue of line.queues) {
      const lines = this.#byQueue.get(queue);
      lines?.delete(line);
      if (lines?.size === 0) this.#byQueue.delete(queue);
    }
  }
}

interface Line {
  readonly key: string;
  readonly queues: readonly string[];
  /** In order of arrival. */
  readonly places: Set<Place>;
  /** The fetch that claimed last; the next claim without a wake-up is its own. */
  asker: Place | null;
}

/** A fetch in its line. */
export class Place implements Disposable {
  readonly worker: string | null;
  readonly #line: Line;
  readonly #left: () => void;
  readonly #waiter = new Waiter();
  #isOver = false;
  #isServed = false;

  constructor(line: Line, worker: string | null, left: () => void) {
    this.#line = line;
    this.worker = worker;
    this.#left = left;
    line.places.add(this);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isWoken(): boolean {
    return this.#waiter.isWoken;
  }

  get isWaiting(): boolean {
    return this.#waiter.isWaiting;
  }

  wake(): void {
    this.#waiter.wake();
  }

  end(): void {
    this.#isOver = true;
    this.wake();
  }

  /** The fetch claims now, so the others need not. */
  asks(): void {
    this.#line.asker = this;
  }

  /** The fetch got a job, so there may be more: it leaves, and others look. */
  served(): void {
    this.#isServed = true;
  }

  /** The worker may not start jobs: the next in line looks. */
  passOn(): void {
    let isBehind = false;
    for (const place of this.#line.places) {
      if (isBehind && place.isWaiting && !place.isWoken) {
        place.wake();
        return;
      }
      isBehind ||= place === this;
    }
  }

  /**
   * Resolves with true when the fetch should claim: at a wake-up, or after `restMs` if no other fetch of the line has
   * claimed in between. Resolves with false after `leftMs`.
   */
  async wait(restMs: number, leftMs: number, signal?: AbortSignal): Promise<boolean> {
    const ms = Math.min(restMs, leftMs);
    const isWoken = await this.#waiter.wait(ms, signal);
    if (isWoken || ms === leftMs || signal?.aborted) return isWoken;
    return this.#line.asker === this || this.#waiter.wait(leftMs - ms, signal);
  }

  /** Another fetch takes over the polls, and a wake-up that this one has not followed. */
  [Symbol.dispose](): void {
    const line = this.#line;
    line.places.delete(this);
    const isAsker = line.asker === this;
    if (isAsker) line.asker = null;
    if (this.#isServed) wakeSome(line.places, followers);
    else if (isAsker || this.isWoken) wakeSome(line.places, 1);
    this.#left();
  }
}

/** Wakes the first fetches that wait. With too few of them, others claim again: their claims may have begun before. */
function wakeSome(places: Iterable<Place>, count: number): void {
  const claiming: Place[] = [];
  let left = count;
  for (const place of places) {
    if (left === 0) return;
    if (place.isWoken) continue;
    if (place.isWaiting) {
      place.wake();
      left--;
    } else if (claiming.length < left) claiming.push(place);
  }
  for (const place of claiming.slice(0, left)) place.wake();
}
