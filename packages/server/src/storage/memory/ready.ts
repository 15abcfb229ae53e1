import { State } from '@ojs-ts/core';
import type { Row } from './tables.ts';

interface Place {
  readonly row: Row;
  readonly order: number;
}

/** Available jobs by priority, then first in, first out. A place that its job has left is dropped when it is met. */
export class Ready {
  /** Highest first. */
  readonly #priorities: number[] = [];
  readonly #lines = new Map<number, { places: Place[]; head: number }>();

  push(row: Row): void {
    const { priority } = row.job;
    let line = this.#lines.get(priority);
    if (!line) {
      line = { places: [], head: 0 };
      this.#lines.set(priority, line);
      this.#priorities.push(priority);
      this.#priorities.sort((a, b) => b - a);
    }
    line.places.push({ row, order: row.order });
  }

  /** The job to hand out next; the caller takes it by moving it out of `available`. */
  peek(): Row | undefined {
    for (let priority = this.#priorities[0]; priority !== undefined; priority = this.#priorities[0]) {
      const line = this.#lines.get(priority);
      for (; line && line.head < line.places.length; line.head++) {
        const place = line.places[line.head];
        if (place && place.row.job.state === State.available && place.row.order === place.order) return place.row;
        // What is behind the head goes in large pieces, so that a line that never ends does not grow.
        if (line.head === 1024) line.head -= line.places.splice(0, 1024).length;
      }
      this.#lines.delete(priority);
      this.#priorities.shift();
    }
    return undefined;
  }
}
