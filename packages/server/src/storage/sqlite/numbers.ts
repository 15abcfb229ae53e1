import type { Connection } from './connection.ts';
import { integer } from './row.ts';

interface Given {
  line: number;
  place: number;
  position: number;
  lastStart: number;
}

/**
 * The numbers that a transaction gives away: lines, places in them, positions of the log; and the time of the last start that a rate counted. Read when
 * the first is needed, written once, and only where one was given.
 */
export class Numbers {
  readonly #sql: Connection;
  #given: Given | null = null;
  #changed = false;

  constructor(sql: Connection) {
    this.#sql = sql;
  }

  line(): number {
    return ++this.#change().line;
  }

  place(): number {
    return ++this.#change().place;
  }

  /** The first of `count` positions. */
  positions(count: number): number {
    const given = this.#change();
    given.position += count;
    return given.position - count + 1;
  }

  get lastStart(): number {
    return this.#last().lastStart;
  }

  noteStart(at: number): void {
    const given = this.#change();
    given.lastStart = Math.max(given.lastStart, at);
  }

  forget(): void {
    this.#given = null;
    this.#changed = false;
  }

  flush(): void {
    if (this.#given && this.#changed) {
      const { line, place, position, lastStart } = this.#given;
      this.#sql.change(
        'UPDATE ojs_store SET line = ?, place = ?, position = ?, last_start = ?',
        line,
        place,
        position,
        lastStart,
      );
    }
    this.forget();
  }

  #change(): Given {
    this.#changed = true;
    return this.#last();
  }

  #last(): Given {
    if (!this.#given) {
      const cells = this.#sql.get('SELECT line, place, position, last_start FROM ojs_store');
      this.#given = {
        line: integer(cells?.[0]),
        place: integer(cells?.[1]),
        position: integer(cells?.[2]),
        lastStart: integer(cells?.[3]),
      };
    }
    return this.#given;
  }
}
