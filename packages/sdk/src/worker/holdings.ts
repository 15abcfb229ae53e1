import { SlabMap } from '@ojs-ts/core';
import type { Held } from './held.ts';
import type { SharedHoldings } from './shared-holdings.ts';

/** The jobs whose lease is ours, by id: what heartbeats list. A job stays until the server has answered its outcome. */
export class Holdings {
  readonly #jobs = new SlabMap<Held>();
  #watchers: (() => void)[] = [];
  #mirror: SharedHoldings | null = null;
  #slackMs = 0;

  get size(): number {
    return this.#jobs.size;
  }

  [Symbol.iterator](): Iterator<Held> {
    return this.#jobs.values()[Symbol.iterator]();
  }

  get(id: string): Held | undefined {
    return this.#jobs.get(id);
  }

  add(held: Held): void {
    // An outcome of the claim before may still be on its way.
    const before = this.get(held.id);
    if (before !== undefined) this.remove(before);
    if (this.#mirror !== null) this.#reflect(held, this.#mirror);
    this.#jobs.set(held.id, held);
  }

  /** From now on every job stands there too, until `slackMs` after the end of its time. */
  mirror(mirror: SharedHoldings | null, slackMs = 0): void {
    this.#mirror = mirror;
    this.#slackMs = slackMs;
    if (mirror !== null) for (const held of this) this.#reflect(held, mirror);
  }

  /** Another claim of the same job may stand here by now. */
  has(held: Held): boolean {
    return this.get(held.id) === held;
  }

  remove(held: Held): void {
    if (!this.has(held)) return;
    this.#jobs.delete(held.id);
    if (this.#mirror !== null) this.#mirror.remove(held.place);
  }

  /** Something may have become true that somebody waits for. */
  changed(): void {
    if (this.#watchers.length === 0) return;
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }

  /** Resolves once `done` holds, which is asked after every change, or when `stop` resolves. Answers what `done` says then. */
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

  #reflect(held: Held, mirror: SharedHoldings): void {
    const left = held.deadline - performance.now();
    held.place = mirror.add(held.id, held.lease ?? '', Date.now() + left + this.#slackMs);
  }
}
