import { treeMemoryBytes } from './process.ts';
import type { Scenario } from './task.ts';

const everyMs = 250;

/** The most memory that a set of processes has had at once. */
export class PeakMemory implements Disposable {
  readonly #pids = new Set<number>();
  readonly #timer = setInterval(() => this.#look(), everyMs);
  #peak = 0;

  constructor(pids: readonly (number | null)[] = []) {
    for (const pid of pids) this.add(pid);
  }

  add(pid: number | null | undefined): void {
    if (pid) this.#pids.add(pid);
  }

  /** Null where the system does not say. */
  get bytes(): number | null {
    this.#look();
    return this.#peak === 0 ? null : this.#peak;
  }

  #look(): void {
    const total = [...this.#pids].reduce((sum, pid) => sum + (treeMemoryBytes(pid) || 0), 0);
    this.#peak = Math.max(this.#peak, total);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Null for a latency: a look at PostgreSQL takes 15 ms, and each job of that time would wait for it. */
export function watchMemory({ name }: Scenario, pid: number | null): PeakMemory | null {
  return name === 'pickup' || name === 'paced' ? null : new PeakMemory([pid]);
}
