import { integer } from '../cells.ts';
import { columns } from '../columns.ts';
import type { Connection } from './disk/connection.ts';

const store = columns({ readyQueue: integer, place: integer, position: integer, lastStart: integer });
type Last = ReturnType<typeof store.read>;

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
    this.#last ??= this.#sql.get(store.from('ojs_store')) ?? null;
    if (!this.#last) throw new Error('SQLite: the table ojs_store has no row.');
    return this.#last;
  }
}
