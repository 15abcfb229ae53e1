import type { Connection } from './connection.ts';
import { type Head, readHead } from './lanes.ts';
import { type ReadyRow, readReady } from './row.ts';
import { statements } from './statements.ts';

/** What waits in a line, first to last. Rows are read ahead in growing pieces: a visit to one of many lanes takes few, a claim of 100 takes all at once. */
export class Line {
  readonly #sql: Connection;
  readonly #line: number;
  #size: number;
  #rows: readonly ReadyRow[] = [];
  #at = 0;
  #ended = false;

  constructor(sql: Connection, line: number, size: number) {
    this.#sql = sql;
    this.#line = line;
    this.#size = size;
  }

  peek(): ReadyRow | undefined {
    if (this.#at === this.#rows.length && !this.#ended) this.#read();
    return this.#rows[this.#at];
  }

  /** Where the line begins now; null where it has ended. */
  head(): Head | null {
    const next = this.#rows[this.#at];
    if (next || this.#ended) return next ?? null;
    const cells = this.#sql.get(statements.lineHead, this.#line);
    return cells ? readHead(cells) : null;
  }

  /** The first has left the line. */
  next(): void {
    this.#at += 1;
  }

  /** Those read before have left, so the line begins with the rest. */
  #read(): void {
    this.#rows = this.#sql.all(statements.ready, this.#line, this.#size).map(readReady);
    this.#at = 0;
    this.#ended = this.#rows.length < this.#size;
    this.#size *= 4;
  }
}
