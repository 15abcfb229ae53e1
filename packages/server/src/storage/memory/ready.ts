import { State } from '@ojs-ts/core';
import type { Row } from './tables.ts';

interface Place {
  readonly row: Row;
  readonly order: number;
}

/** The available jobs of one queue: by priority, then first in, first out. A place that its job has left is dropped when it is met. */
export class Ready {
  /** Highest first. */
  readonly #priorities: number[] = [];
  readonly #lines = new Map<number, { places: Place[]; head: number }>();

  push(row: Row, order: number): void {
    const { priority } = row.job;
    let line = this.#lines.get(priority);
    if (!line) {
      line = { places: [], head: 0 };
      this.#lines.set(priority, line);
      this.#priorities.push(priority);
      this.#priorities.sort((a, b) => b - a);
    }
    line.places.push({ row, order });
  }

  /** The job to hand out next; the caller takes it by moving it out of `available`. */
  peek(): Row | undefined {
    for (const priority of [...this.#priorities]) {
      const line = this.#lines.get(priority);
      if (!line) continue;
      for (; line.head < line.places.length; line.head++) {
        const place = line.places[line.head];
        if (place && place.row.job.state === State.available && place.row.order === place.order) return place.row;
      }
      this.#lines.delete(priority);
      this.#priorities.splice(this.#priorities.indexOf(priority), 1);
    }
    return undefined;
  }
}
