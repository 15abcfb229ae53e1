import { Deadline } from '../connection/deadline.ts';
import { timerMs } from '../options/duration.ts';

/** A call that waits for its outcome. */
export interface Entry<In, Out> {
  readonly item: In;
  /** The caller has its outcome, or has left. */
  readonly gone: boolean;
  /** Milliseconds until its deadline. */
  readonly remaining: number;
  /** For a request that is sent for this call alone. */
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
  /** The most groups in flight at once; one that stalls does not count. */
  readonly atOnce: () => number;
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
 * Group commit. Calls of one turn of the event loop go together, and so do calls that arrive while the maximum number
 * of groups is in flight. There is no timer: a lone call goes at once, and a busy server gets few, large requests.
 */
export class Coalescer<In, Out> {
  readonly #options: CoalescerOptions<In, Out>;
  #waiting: Slot<In, Out>[] = [];
  /** Groups; one that fills a request counts as all that may be. */
  #underWay = 0;
  #starts = false;

  constructor(options: CoalescerOptions<In, Out>) {
    this.#options = options;
  }

  /**
   * The outcome of the item. A call that has expired or was aborted before it is sent is never sent. @throws the reason
   * of the signal; `expired()`; the error of `run`.
   */
  add(item: In, ms: number, expired: () => Error, signal: AbortSignal | undefined): Promise<Out> {
    const slot = new Slot<In, Out>(item, ms, expired, signal);
    this.#waiting.push(slot);
    void this.#soon();
    return slot.outcome;
  }

  /** True if the maximum number of groups is in flight. */
  get isFull(): boolean {
    return this.#underWay >= this.#options.atOnce();
  }

  /** Starts a group when the other calls of this turn have come. */
  async #soon(): Promise<void> {
    if (this.#starts || this.isFull) return;
    this.#starts = true;
    await null;
    this.#starts = false;
    const slots = this.#next();
    if (slots.length === 0) return;
    const group = new Group(slots.length);
    for (const slot of slots) slot.group = group;
    // Calls that did not fit in follow after this group, not in parallel, because calls of one turn keep their order.
    const count = this.#waiting.length > 0 ? this.#options.atOnce() : 1;
    this.#underWay += count;
    await pastOrStalled(this.#options.run(slots, group.signal));
    this.#underWay -= count;
    void this.#soon();
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
}

/** Resolves when the work has ended, or after `stallMs`. */
async function pastOrStalled(work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise((resolve) => (timer = setTimeout(resolve, stallMs)));
  await Promise.race([work.catch(() => {}), stalled]);
  clearTimeout(timer);
}

/** One call, with a deadline of its own: a timer, and more only if a caller asks for it. */
class Slot<In, Out> implements Entry<In, Out> {
  readonly item: In;
  readonly outcome: Promise<Out>;
  group: Group | undefined;
  gone = false;
  readonly #until: number;
  readonly #expired: () => Error;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #resolve: (out: Out) => void;
  readonly #reject: (error: unknown) => void;
  #deadline: Deadline | undefined;

  /** @throws the reason of a signal that is already aborted. */
  constructor(item: In, ms: number, expired: () => Error, signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Out>();
    this.item = item;
    this.outcome = promise;
    this.#until = performance.now() + ms;
    this.#expired = expired;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = Number.isFinite(ms) ? setTimeout(() => this.#over(expired()), timerMs(ms)) : undefined;
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  get remaining(): number {
    return this.#until - performance.now();
  }

  get deadline(): Deadline {
    this.#deadline ??= new Deadline(this.remaining, this.#expired, this.#signal);
    return this.#deadline;
  }

  resolve(out: Out): void {
    this.#leave();
    this.#resolve(out);
  }

  reject(error: unknown): void {
    this.#leave();
    this.#reject(error);
  }

  readonly #abort = () => this.#over(this.#signal?.reason);

  #over(reason: unknown): void {
    this.#deadline?.end(reason);
    this.reject(reason);
  }

  #leave(): void {
    if (this.gone) return;
    this.gone = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#deadline?.[Symbol.dispose]();
    this.group?.left();
  }
}

/** Aborts when no caller waits any more. */
class Group {
  readonly #controller = new AbortController();
  #present: number;

  constructor(present: number) {
    this.#present = present;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  left(): void {
    this.#present--;
    // A reason of its own: the DOMException that would be made in its place costs as much as a small request.
    if (this.#present === 0) this.#controller.abort(nobody);
  }
}

const nobody = new Error('Nobody waits for the request any more.');
