import type { QueuePlace } from '@ojs-ts/core/lifecycle';
import type { Connection } from '../disk/connection.ts';
import type { ReadyRow } from '../row.ts';
import { statements } from '../statements.ts';

/**
 * Available jobs in the order of their starts. Each read takes four times as many rows as the one before: a claim takes
 * few jobs of one of many limit groups, and a claim of 100 takes all of one queue at once.
 */
export class ReadyQueue {
  readonly #sql: Connection;
  readonly #number: number;
  #size: number;
  #rows: readonly ReadyRow[] = [];
  #at = 0;
  #ended = false;

  /** @param size Rows of the first read. */
  constructor(sql: Connection, number: number, size: number) {
    this.#sql = sql;
    this.#number = number;
    this.#size = size;
  }

  peek(): ReadyRow | undefined {
    if (this.#at === this.#rows.length && !this.#ended) this.#read();
    return this.#rows[this.#at];
  }

  /** Null if the queue is empty. */
  head(): QueuePlace | null {
    const next = this.#rows[this.#at];
    if (next || this.#ended) return next ?? null;
    return this.#sql.get(statements.readyQueueHead, this.#number) ?? null;
  }

  /** The first job has left the queue. */
  next(): void {
    this.#at += 1;
  }

  /** All rows read before have left the queue. */
  #read(): void {
    this.#rows = this.#sql.all(statements.ready, this.#number, this.#size);
    this.#at = 0;
    this.#ended = this.#rows.length < this.#size;
    this.#size *= 4;
  }
}
