import type { Connection } from './connection.ts';
import { integer } from './row.ts';

interface Given {
  line: number;
  place: number;
  position: number;
}

/** The numbers that a transaction gives away: lines, places in them, positions of the log. Read when the first is needed, written once. */
export class Numbers {
  readonly #sql: Connection;
  #given: Given | null = null;

  constructor(sql: Connection) {
    this.#sql = sql;
  }

  line(): number {
    return ++this.#last().line;
  }

  place(): number {
    return ++this.#last().place;
  }

  /** The first of `count` positions. */
  positions(count: number): number {
    const given = this.#last();
    given.position += count;
    return given.position - count + 1;
  }

  forget(): void {
    this.#given = null;
  }

  flush(): void {
    if (!this.#given) return;
    const { line, place, position } = this.#given;
    this.#sql.change('UPDATE ojs_store SET line = ?, place = ?, position = ?', line, place, position);
    this.#given = null;
  }

  #last(): Given {
    if (!this.#given) {
      const cells = this.#sql.get('SELECT line, place, position FROM ojs_store');
      this.#given = { line: integer(cells?.[0]), place: integer(cells?.[1]), position: integer(cells?.[2]) };
    }
    return this.#given;
  }
}
