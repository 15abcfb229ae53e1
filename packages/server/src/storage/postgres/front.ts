import { numbers } from './arrays.ts';
import { readyColumns } from './ready.ts';
import type { Cells } from './row.ts';
import type { Transaction } from './transaction.ts';

/** The front of a line; who claims at the same time gets what is behind. */
export const front = `SELECT ${readyColumns} FROM ojs.jobs WHERE line = $1 AND place IS NOT NULL ORDER BY priority DESC, place LIMIT $2 FOR UPDATE SKIP LOCKED`;

/** The same, but of some priorities what is behind a place, and all of those between them. */
export const marked = `SELECT ready.* FROM unnest($2::integer[], $3::integer[], $4::bigint[]) AS mark (above, priority, place), LATERAL (
    SELECT * FROM (SELECT ${readyColumns} FROM ojs.jobs WHERE line = $1 AND place IS NOT NULL AND priority > mark.priority AND priority < mark.above
      ORDER BY priority DESC, place LIMIT $5 FOR UPDATE SKIP LOCKED) AS between_marks
    UNION ALL
    SELECT * FROM (SELECT ${readyColumns} FROM ojs.jobs WHERE line = $1 AND priority = mark.priority AND place > mark.place
      ORDER BY place LIMIT $5 FOR UPDATE SKIP LOCKED) AS behind_mark) AS ready LIMIT $5`;

const highest = 2 ** 31 - 1;
const lowest = -(2 ** 31);
/** What stands before a mark after all waits no longer than this, in milliseconds. */
const wholeEveryMs = 500;
const mostLines = 1_000;
const mostPriorities = 16;

/** What was read of the front of a line. */
export interface FrontRows {
  readonly asked: number;
  readonly rows: readonly Cells[];
  /** False where what stands before marks was left out. */
  readonly whole: boolean;
}

interface Marks {
  /** When the line was last read as a whole, by `performance.now()`. */
  readonly wholeAt: number;
  /** Place of the last job that was taken, by priority. */
  readonly places: Map<number, number>;
}

/**
 * The fronts of lines as claims of this process read them. What was taken leaves a dead entry in the index until a vacuum, up to a minute and its own time
 * later, and a scan from the beginning walks them all: 1 ms for 100,000. So a line that holds more than was asked for is read from where the last claim left
 * off. Places only grow, and a job that goes back gets a new one; only what was locked, or not committed yet, can be before that. It is met by the next
 * read of the whole: twice a second, and whenever the rest of the line is less than was asked for.
 */
export class Fronts {
  readonly #lines = new Map<string, Marks>();

  async read(tx: Transaction, line: string, asked: number): Promise<FrontRows> {
    const marks = this.#fresh(line);
    if (marks === null) return this.#whole(tx, line, asked);
    const places = [...marks.places].sort(([a], [b]) => b - a);
    const priorities = [...places.map(([priority]) => priority), lowest];
    const rows = await tx.query(marked, [
      line,
      numbers([highest, ...priorities.slice(0, -1)]),
      numbers(priorities),
      numbers([...places.map(([, place]) => place), 0]),
      asked,
    ]);
    return { asked, rows, whole: false };
  }

  /** The same rows, or those of the whole line where they are fewer than were asked for and something may stand before them. */
  async complete(tx: Transaction, line: string, read: FrontRows): Promise<FrontRows> {
    return read.whole || read.rows.length === read.asked ? read : this.#whole(tx, line, read.asked);
  }

  /** A call has taken these from the front of a line, in their order. */
  took(
    line: string,
    { asked, rows, whole }: FrontRows,
    taken: readonly { readonly priority: number; readonly place: number }[],
  ): void {
    const marks = whole ? { wholeAt: performance.now(), places: new Map<number, number>() } : this.#lines.get(line);
    if (rows.length < asked || marks === undefined) {
      this.#lines.delete(line);
      return;
    }
    for (const { priority, place } of taken)
      marks.places.set(priority, Math.max(place, marks.places.get(priority) ?? 0));
    if (marks.places.size > mostPriorities) this.#lines.delete(line);
    else this.#keep(line, marks);
  }

  async #whole(tx: Transaction, line: string, asked: number): Promise<FrontRows> {
    return { asked, rows: await tx.query(front, [line, asked]), whole: true };
  }

  #fresh(line: string): Marks | null {
    const marks = this.#lines.get(line);
    return marks && marks.places.size > 0 && performance.now() - marks.wholeAt < wholeEveryMs ? marks : null;
  }

  #keep(line: string, marks: Marks): void {
    if (this.#lines.size >= mostLines && !this.#lines.has(line)) this.#lines.clear();
    this.#lines.set(line, marks);
  }
}
