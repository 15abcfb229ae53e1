import type { Connection } from './disk/connection.ts';
import { integer } from './row.ts';

interface Last {
  readyQueue: number;
  place: number;
  position: number;
  lastStart: number;
}

/**
 * The numbers that a transaction assigns: of ready queues, of places in them, of positions in the event log; and the
 * time of the last start that a rate counted. They are read with the first use and written once, if one changed.
 */
export class Sequences {
  readonly #sql: Connection;
  #last: Last | null = null;
  #changed = false;

  constructor(sql: Connection) {
    this.#sql = sql;
  }

  readyQueue(): number {
    return ++this.#change().readyQueue;
  }

  place(): number {
    return ++this.#change().place;
  }

  /** The first of `count` positions. */
  positions(count: number): number {
    const last = this.#change();
    last.position += count;
    return last.position - count + 1;
  }

  get lastStart(): number {
    return this.#read().lastStart;
  }

  noteStart(at: number): void {
    const last = this.#change();
    last.lastStart = Math.max(last.lastStart, at);
  }

  forget(): void {
    this.#last = null;
    this.#changed = false;
  }

  flush(): void {
    if (this.#last && this.#changed) {
      const { readyQueue, place, position, lastStart } = this.#last;
      this.#sql.change(
        'UPDATE ojs_store SET ready_queue = ?, place = ?, position = ?, last_start = ?',
        readyQueue,
        place,
        position,
        lastStart,
      );
    }
    this.forget();
  }

  #change(): Last {
    this.#changed = true;
    return this.#read();
  }

  #read(): Last {
    if (!this.#last) {
      const cells = this.#sql.get('SELECT ready_queue, place, position, last_start FROM ojs_store');
      this.#last = {
        readyQueue: integer(cells?.[0]),
        place: integer(cells?.[1]),
        position: integer(cells?.[2]),
        lastStart: integer(cells?.[3]),
      };
    }
    return this.#last;
  }
}
