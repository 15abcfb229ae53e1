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
/** A job before a mark waits at most this long, in milliseconds, if it was locked or not committed for a moment. */
const floorEveryMs = 500;
/** Any job is found within this time, in milliseconds. */
const wholeEveryMs = 10_000;
/** Marks are floors once they are this old, in milliseconds: the transactions that were open then have ended. */
const floorAgeMs = 2_000;
const mostQueues = 1_000;
const mostPriorities = 16;

/** The beginning of a read of a ready queue. */
interface Start {
  /** The parameters of {@link rowsBehindMarks}; null for the beginning. */
  readonly marks: readonly unknown[] | null;
  /**
   * False if jobs may wait before the marks: then fewer jobs than were asked for do not mean that there are no more.
   */
  readonly whole: boolean;
}

/** The rows read from the head of a ready queue. */
export interface HeadRows {
  readonly asked: number;
  readonly rows: readonly Cells[];
  readonly start: Start;
}

/** A place of each priority. */
type Places = ReadonlyMap<number, number>;

interface Marks {
  /** When the queue was last read from its beginning, by `performance.now()`, and when from there or its floors. */
  readonly wholeAt: number;
  readonly floorAt: number;
  /** True if the last read got fewer jobs than it asked for. */
  readonly isShort: boolean;
  /** The place of the last job that was taken. */
  readonly last: Places;
  /** Copies of {@link last}: one is older than `floorAgeMs`, the other was made at `nextAt`. */
  readonly floors: Places;
  readonly next: Places;
  readonly nextAt: number;
}

const nowhere: Places = new Map();

/**
 * The positions at which the claims of this process stopped in each ready queue. A job that was taken leaves a dead
 * entry in the index until a vacuum, a minute or more later or after the end of the oldest snapshot, and a scan from
 * the beginning walks all dead entries: 1 ms for 100,000. So a queue with more jobs than were asked for is read on from
 * where the last claim stopped. Places only grow, and a job that goes back gets a new place; only a job that was
 * locked, or not committed yet, can be before a mark. A read from the floors finds it: twice a second, and whenever
 * fewer jobs than asked for are behind the marks. Floors are marks of some seconds ago. A job stays before them if a
 * transaction took longer than that; a read from the beginning finds it within ten seconds.
 */
export class QueueHeads {
  readonly #queues = new Map<string, Marks>();

  /** Chooses the beginning of the next read of the queue. */
  start(queue: string): Start {
    const marks = this.#queues.get(queue);
    const now = performance.now();
    if (!marks || now - marks.wholeAt >= wholeEveryMs) return { marks: null, whole: true };
    if (!marks.isShort && now - marks.floorAt < floorEveryMs) return { marks: parameters(marks.last), whole: false };
    return { marks: marks.floors.size === 0 ? null : parameters(marks.floors), whole: true };
  }

  async read(tx: Transaction, queue: string, asked: number): Promise<HeadRows> {
    const start = this.start(queue);
    const { marks } = start;
    const rows =
      marks === null
        ? await tx.query(readHead, [queue, asked])
        : await tx.query(readBehindMarks, [queue, asked, ...marks]);
    return { asked, rows, start };
  }

  /** Returns the same rows, or reads again where they are too few and jobs may wait before the marks. */
  async complete(tx: Transaction, queue: string, read: HeadRows): Promise<HeadRows> {
    if (read.start.whole || read.rows.length === read.asked) return read;
    this.ranOut(queue);
    return this.read(tx, queue, read.asked);
  }

  /** Notes which of the rows a claim has taken, in their order. */
  took(
    queue: string,
    { asked, rows, start }: HeadRows,
    taken: readonly { readonly priority: number; readonly place: number }[],
  ): void {
    const now = performance.now();
    const before = this.#queues.get(queue);
    const last = new Map(before?.last);
    for (const { priority, place } of taken) last.set(priority, Math.max(place, last.get(priority) ?? 0));
    if (last.size > mostPriorities || (!before && start.marks !== null)) {
      this.#queues.delete(queue);
      return;
    }
    const ages = !before || now - before.nextAt >= floorAgeMs;
    if (this.#queues.size >= mostQueues && !before) this.#queues.clear();
    this.#queues.set(queue, {
      wholeAt: start.marks === null ? now : (before?.wholeAt ?? now),
      floorAt: start.whole ? now : (before?.floorAt ?? now),
      isShort: rows.length < asked,
      last,
      floors: ages ? (before?.next ?? nowhere) : before.floors,
      next: ages ? last : before.next,
      nextAt: ages ? now : before.nextAt,
    });
  }

  /** Too few jobs are behind the marks: the next read begins before them. */
  ranOut(queue: string): void {
    const marks = this.#queues.get(queue);
    if (marks) this.#queues.set(queue, { ...marks, isShort: true });
  }
}

function parameters(marks: Places): readonly unknown[] {
  const places = [...marks].sort(([a], [b]) => b - a);
  const priorities = [...places.map(([priority]) => priority), lowest];
  return [
    numbers([highest, ...priorities.slice(0, -1)]),
    numbers(priorities),
    numbers([...places.map(([, place]) => place), 0]),
  ];
}
