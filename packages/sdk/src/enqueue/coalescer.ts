import { Deadline } from '../connection/deadline.ts';

/** A call that waits for its outcome. */
export interface Entry<In, Out> {
  readonly item: In;
  readonly deadline: Deadline;
  resolve(out: Out): void;
  reject(error: unknown): void;
}

export interface CoalescerOptions<In, Out> {
  /**
   * Settles every entry of the group, then resolves; must not reject. `signal` aborts when all callers of the group
   * have left.
   */
  readonly run: (group: readonly Entry<In, Out>[], signal: AbortSignal) => Promise<void>;
  /** The largest next group; 1 to merge nothing. */
  readonly max: () => number;
  readonly sizeOf: (item: In) => number;
  /** The largest sum of `sizeOf` in a group. A larger entry goes alone. */
  readonly maxSize: number;
}

/**
 * After this time, in milliseconds, a group no longer holds back the next one: one silent connection must not block
 * every caller.
 */
const stallMs = 1_000;

/**
 * Group commit. Calls of one turn of the event loop go together, and so do calls that arrive while a group is under
 * way. There is no timer: a lone call goes at once, and a busy server gets few, large requests.
 */
export class Coalescer<In, Out> {
  readonly #options: CoalescerOptions<In, Out>;
  #waiting: Slot<In, Out>[] = [];
  #draining: Promise<void> | null = null;

  constructor(options: CoalescerOptions<In, Out>) {
    this.#options = options;
  }

  /**
   * The outcome of the item. A call that has expired or was aborted before it is sent is never sent. @throws the reason
   * of the signal; `expired()`; the error of `run`.
   */
  async add(item: In, ms: number, expired: () => Error, signal: AbortSignal | undefined): Promise<Out> {
    using deadline = new Deadline(ms, expired, signal);
    const slot = new Slot<In, Out>(item, deadline);
    this.#waiting.push(slot);
    this.#draining ??= this.#drain();
    try {
      return await deadline.race(slot.outcome);
    } finally {
      slot.leave();
    }
  }

  async #drain(): Promise<void> {
    // Wait for the other calls of this turn.
    await null;
    for (let group = this.#next(); group.length > 0; group = this.#next()) {
      await pastOrStalled(this.#start(group));
    }
    this.#draining = null;
  }

  #next(): Slot<In, Out>[] {
    const max = this.#options.max();
    const group: Slot<In, Out>[] = [];
    let size = 0;
    let seen = 0;
    for (const slot of this.#waiting) {
      if (!slot.gone) {
        size += this.#options.sizeOf(slot.item);
        if (group.length >= max || (group.length > 0 && size > this.#options.maxSize)) break;
        group.push(slot);
      }
      seen++;
    }
    this.#waiting = this.#waiting.slice(seen);
    return group;
  }

  #start(group: readonly Slot<In, Out>[]): Promise<void> {
    const controller = new AbortController();
    let present = group.length;
    for (const slot of group) {
      slot.onLeave = () => {
        present--;
        if (present === 0) controller.abort();
      };
    }
    return this.#options.run(group, controller.signal);
  }
}

/** Resolves when the work has ended, or after `stallMs`. */
async function pastOrStalled(work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise((resolve) => (timer = setTimeout(resolve, stallMs)));
  await Promise.race([work.catch(() => {}), stalled]);
  clearTimeout(timer);
}

class Slot<In, Out> implements Entry<In, Out> {
  readonly item: In;
  readonly deadline: Deadline;
  readonly outcome: Promise<Out>;
  readonly resolve: (out: Out) => void;
  readonly reject: (error: unknown) => void;
  onLeave: () => void = () => {};
  gone = false;

  constructor(item: In, deadline: Deadline) {
    const { promise, resolve, reject } = Promise.withResolvers<Out>();
    promise.catch(() => {});
    this.item = item;
    this.deadline = deadline;
    this.outcome = promise;
    this.resolve = resolve;
    this.reject = reject;
  }

  leave(): void {
    this.gone = true;
    this.onLeave();
  }
}
