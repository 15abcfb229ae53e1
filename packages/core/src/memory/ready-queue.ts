import { type JobRecord, State } from '@ojs-ts/core/job';

/** The values of a job that the indexes keep. */
export interface OrderedJob {
  /** Order of creation. */
  readonly number: number;
  /** Place in the queue; a new one at every entry into `available`, -1 once the job is removed. */
  order: number;
  job: JobRecord;
}

interface Entry<R> {
  readonly row: R;
  readonly order: number;
}

/**
 * Available jobs by priority, then first in, first out. The entry of a job that has left is dropped once it comes
 * first.
 */
export class ReadyQueue<R extends OrderedJob> {
  /** Highest first. */
  readonly #priorities: number[] = [];
  readonly #byPriority = new Map<number, { entries: Entry<R>[]; head: number }>();

  push(row: R): void {
    const { priority } = row.job;
    let fifo = this.#byPriority.get(priority);
    if (!fifo) {
      fifo = { entries: [], head: 0 };
      this.#byPriority.set(priority, fifo);
      this.#priorities.push(priority);
      this.#priorities.sort((a, b) => b - a);
    }
    fifo.entries.push({ row, order: row.order });
  }

  /** The next job to start; the caller takes the job by moving it out of `available`. */
  peek(): R | undefined {
    for (let priority = this.#priorities[0]; priority !== undefined; priority = this.#priorities[0]) {
      const row = this.#first(priority);
      if (row) return row;
      this.#byPriority.delete(priority);
      this.#priorities.shift();
    }
    return undefined;
  }

  /** The job that has waited longest, whatever its priority. */
  oldest(): R | undefined {
    let oldest: R | undefined;
    for (const priority of this.#priorities) {
      const row = this.#first(priority);
      if (row && (oldest === undefined || row.order < oldest.order)) oldest = row;
    }
    return oldest;
  }

  #first(priority: number): R | undefined {
    const fifo = this.#byPriority.get(priority);
    for (; fifo && fifo.head < fifo.entries.length; fifo.head++) {
      const entry = fifo.entries[fifo.head];
      if (entry && entry.row.job.state === State.available && entry.row.order === entry.order) return entry.row;
      // Dropped entries are cut off 1,024 at a time, so that a queue that never empties does not grow.
      if (fifo.head === 1024) fifo.head -= fifo.entries.splice(0, 1024).length;
    }
    return undefined;
  }
}
