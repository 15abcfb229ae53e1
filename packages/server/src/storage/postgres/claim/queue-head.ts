import type { Cells } from '../../cells.ts';
import { numbers } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { readyColumns, readyJoins } from './ready-job.ts';

/** The rows of the first jobs of a ready queue; concurrent claims get the jobs behind them. */
export const headRows = `SELECT ctid AS row, * FROM ojs.ready WHERE ready_queue = $1
  ORDER BY priority DESC, place LIMIT $2 FOR UPDATE SKIP LOCKED`;

/** The same, but behind a marked place of some priorities, and all jobs of the priorities between them. */
export const rowsBehindMarks = `SELECT behind.*
  FROM unnest($3::integer[], $4::integer[], $5::bigint[]) AS mark (above, priority, place), LATERAL (
    SELECT * FROM (SELECT ctid AS row, * FROM ojs.ready
      WHERE ready_queue = $1 AND ready.priority > mark.priority AND ready.priority < mark.above
      ORDER BY ready.priority DESC, place LIMIT $2 FOR UPDATE SKIP LOCKED) AS between_marks
    UNION ALL
    SELECT * FROM (SELECT ctid AS row, * FROM ojs.ready
      WHERE ready_queue = $1 AND ready.priority = mark.priority AND ready.place > mark.place
      ORDER BY ready.place LIMIT $2 FOR UPDATE SKIP LOCKED) AS behind_mark) AS behind LIMIT $2`;

const jobsOf = (head: string) =>
  `SELECT ${readyColumns} FROM (${head}) AS ready ${readyJoins} ORDER BY ready.priority DESC, ready.place`;
export const readHead = jobsOf(headRows);
const readBehindMarks = jobsOf(rowsBehindMarks);

const highest = 2 ** 31 - 1;
const lowest = -(2 ** 31);
/** A job before a mark waits at most this long, in milliseconds. */
const wholeEveryMs = 500;
const mostQueues = 1_000;
const mostPriorities = 16;

/** The rows read from the head of a ready queue. */
export interface HeadRows {
  readonly asked: number;
  readonly rows: readonly Cells[];
  /** False if the read began behind the marks. */
  readonly whole: boolean;
}

interface Marks {
  /** When the queue was last read from its beginning, by `performance.now()`. */
  readonly wholeAt: number;
  /** The place of the last job that was taken, by priority. */
  readonly places: Map<number, number>;
}

/**
 * The positions at which the claims of this process stopped in each ready queue. A job that was taken leaves a dead
 * entry in the index until a vacuum, a minute or more later, and a scan from the beginning walks all dead entries: 1 ms
 * for 100,000. So a queue with more jobs than were asked for is read on from where the last claim stopped. Places only
 * grow, and a job that goes back gets a new place; only a job that was locked, or not committed yet, can be before a
 * mark. The next read from the beginning finds it: twice a second, and whenever fewer jobs than asked for are behind
 * the marks.
 */
export class QueueHeads {
  readonly #queues = new Map<string, Marks>();

  async read(tx: Transaction, queue: string, asked: number): Promise<HeadRows> {
    const marks = this.marks(queue);
    if (marks === null) return this.#readWhole(tx, queue, asked);
    return { asked, rows: await tx.query(readBehindMarks, [queue, asked, ...marks]), whole: false };
  }

  /** The marks as parameters of {@link rowsBehindMarks}; null if the queue is to be read from its beginning. */
  marks(queue: string): readonly unknown[] | null {
    const marks = this.#fresh(queue);
    if (marks === null) return null;
    const places = [...marks.places].sort(([a], [b]) => b - a);
    const priorities = [...places.map(([priority]) => priority), lowest];
    return [
      numbers([highest, ...priorities.slice(0, -1)]),
      numbers(priorities),
      numbers([...places.map(([, place]) => place), 0]),
    ];
  }

  /**
   * Returns the same rows, or reads from the beginning where they are too few and jobs may wait before the marks.
   */
  async complete(tx: Transaction, queue: string, read: HeadRows): Promise<HeadRows> {
    return read.whole || read.rows.length === read.asked ? read : this.#readWhole(tx, queue, read.asked);
  }

  /** Notes which of the rows a claim has taken, in their order. */
  took(
    queue: string,
    { asked, rows, whole }: HeadRows,
    taken: readonly { readonly priority: number; readonly place: number }[],
  ): void {
    const marks = whole ? { wholeAt: performance.now(), places: new Map<number, number>() } : this.#queues.get(queue);
    if (rows.length < asked || marks === undefined) {
      this.#queues.delete(queue);
      return;
    }
    for (const { priority, place } of taken)
      marks.places.set(priority, Math.max(place, marks.places.get(priority) ?? 0));
    if (marks.places.size > mostPriorities) this.#queues.delete(queue);
    else this.#keep(queue, marks);
  }

  /** The next read begins at the beginning. */
  forget(queue: string): void {
    this.#queues.delete(queue);
  }

  async #readWhole(tx: Transaction, queue: string, asked: number): Promise<HeadRows> {
    return { asked, rows: await tx.query(readHead, [queue, asked]), whole: true };
  }

  #fresh(queue: string): Marks | null {
    const marks = this.#queues.get(queue);
    return marks && marks.places.size > 0 && performance.now() - marks.wholeAt < wholeEveryMs ? marks : null;
  }

  #keep(queue: string, marks: Marks): void {
    if (this.#queues.size >= mostQueues && !this.#queues.has(queue)) this.#queues.clear();
    this.#queues.set(queue, marks);
  }
}
