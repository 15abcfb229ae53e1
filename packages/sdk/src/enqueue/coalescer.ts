import { Deadline } from '../connection/deadline.ts';

/** One call that waits for its outcome. */
export interface Entry<In, Out> {
  readonly item: In;
  readonly deadline: Deadline;
  resolve(out: Out): void;
  reject(error: unknown): void;
}

export interface CoalescerOptions<In, Out> {
  /** Settles every entry of the group, and resolves then; `signal` aborts when all of its callers have left. It must not reject. */
  readonly run: (group: readonly Entry<In, Out>[], signal: AbortSignal) => Promise<void>;
  /** Entries of the next group; 1 where nothing is to be merged now. */
  readonly max: () => number;
  readonly sizeOf: (item: In) => number;
  /** In the unit of `sizeOf`. A first entry that is larger goes alone. */
  readonly maxSize: number;
}

/** A group that takes longer than this no longer holds back the next one: one silent connection must not stop every caller. Milliseconds. */
const stallMs = 1_000;

/**
 * Group commit. Calls of one turn, and calls that arrive while a group is under way, go together: no timer, so a lone call waits for nothing and a busy server gets
 * few, large requests.
 */
export class Coalescer<In, Out> {
  readonly #options: CoalescerOptions<In, Out>;
  #waiting: Slot<In, Out>[] = [];
  #draining: Promise<void> | null = null;

  constructor(options: CoalescerOptions<In, Out>) {
    this.#options = options;
  }

  /** The outcome of the item. A call that is over before its turn is never sent. @throws the reason of the signal; `expired()`; what `run` rejects it with. */
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
    // The other calls of this turn come first.
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

/** Resolves when the work has ended, however, or takes too long to be waited for. */
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
