import { SlabMap } from '@ojs-ts/core';
import type { LeasedJob } from './leased-job.ts';
import type { SharedLeases } from './shared-leases.ts';

/**
 * The list for heartbeats: the jobs whose lease is ours, by id, and the fetches that may have claimed more. A job stays
 * until the server has answered its outcome.
 */
export class LeasedJobs {
  readonly #jobs = new SlabMap<LeasedJob>();
  /** Request ids of fetches, each with its place in the mirror. */
  readonly #openFetches = new Map<string, number>();
  #watchers: (() => void)[] = [];
  #mirror: SharedLeases | null = null;
  #slackMs = 0;

  get size(): number {
    return this.#jobs.size;
  }

  [Symbol.iterator](): Iterator<LeasedJob> {
    return this.#jobs.values()[Symbol.iterator]();
  }

  get(id: string): LeasedJob | undefined {
    return this.#jobs.get(id);
  }

  add(leased: LeasedJob): void {
    const before = this.#jobs.set(leased.id, leased);
    if (this.#mirror === null) return;
    // An outcome of the claim before may still be on its way.
    if (before !== undefined) this.#mirror.remove(before.place);
    this.#reflect(leased, this.#mirror);
  }

  get openFetches(): readonly string[] {
    return [...this.#openFetches.keys()];
  }

  /** Call before the fetch is sent. */
  beginFetch(requestId: string): void {
    this.#openFetches.set(requestId, this.#mirror?.addFetch(requestId) ?? -1);
  }

  /** Call after the jobs of the answer were added, or once no answer can start a job any more. */
  endFetch(requestId: string): void {
    const place = this.#openFetches.get(requestId);
    if (place !== undefined && this.#openFetches.delete(requestId)) this.#mirror?.remove(place);
  }

  /** Copies every job from now on into the mirror, until `slackMs` after the end of its time. */
  mirror(mirror: SharedLeases | null, slackMs = 0): void {
    this.#mirror = mirror;
    this.#slackMs = slackMs;
    if (mirror === null) return;
    for (const leased of this) this.#reflect(leased, mirror);
    for (const requestId of this.openFetches) this.beginFetch(requestId);
  }

  /** Another claim of the same job may be in the list by now. */
  has(leased: LeasedJob): boolean {
    return this.get(leased.id) === leased;
  }

  remove(leased: LeasedJob): void {
    if (this.#jobs.delete(leased.id, leased)) this.#mirror?.remove(leased.place);
  }

  /** A waiting caller's condition may have become true. */
  changed(): void {
    if (this.#watchers.length === 0) return;
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }

  /**
   * Calls `done` after every change. Resolves once it returns true, or when `stop` resolves. The result is that of the
   * last `done`.
   */
  async until(done: () => boolean, stop: Promise<void>): Promise<boolean> {
    let stopped = false;
    const end = stop.then(() => {
      stopped = true;
    });
    while (!done() && !stopped) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.push(resolve);
      await Promise.race([promise, end]);
    }
    return done();
  }

  #reflect(leased: LeasedJob, mirror: SharedLeases): void {
    // Most jobs have no deadline, and each look at a clock costs as much as writing the id.
    const due = Number.isFinite(leased.deadline)
      ? Date.now() + leased.deadline - performance.now() + this.#slackMs
      : Number.POSITIVE_INFINITY;
    leased.place = mirror.add(leased.id, leased.lease ?? '', due);
  }
}
