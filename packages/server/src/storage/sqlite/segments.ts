import { integer } from '../cells.ts';
import type { Connection } from './disk/connection.ts';
import { statements } from './statements.ts';

/** Jobs of one segment: those with so many consecutive numbers. */
const size = 4096;
/** So many segments have a row at most: the newest. */
const kept = 4096;
/** Characters; a segment with longer names may have any job. */
const longest = 8192;

/** The segment of a job's number. */
export function segmentOf(number: number): number {
  return Math.floor((number - 1) / size);
}

/** The first number of a segment. */
export function startOf(segment: number): number {
  return segment * size + 1;
}

/**
 * The queues and types that the jobs of a segment may have: a list of one queue or type skips the segments without it.
 * A segment without a row may have any job. Each transaction that inserts jobs writes a row for each of their segments
 * at most, and only where a name is new there.
 */
export class Segments {
  readonly #sql: Connection;
  /** The number of the newest job before those that are not written yet; null without such jobs. */
  #before: number | null = null;
  /** At least as many as were inserted after it. */
  #inserted = 0;
  readonly #names = new Set<string>();
  #queue: string | null = null;
  #type: string | null = null;

  constructor(sql: Connection) {
    this.#sql = sql;
  }

  /** Call before each row that is inserted. */
  open(): void {
    this.#before ??= integer(this.#sql.value(statements.newestNumber));
    this.#inserted += 1;
  }

  /** A row was inserted. */
  add(queue: string, type: string): void {
    if (queue === this.#queue && type === this.#type) return;
    this.#queue = queue;
    this.#type = type;
    this.#names.add(queueName(queue)).add(typeName(type));
  }

  /** A job moves to another queue. */
  moved(number: number, queue: string): void {
    this.flush();
    this.#note(segmentOf(number), [queueName(queue)], false);
  }

  /** The store was empty before the restore, and each of its jobs comes here. */
  restored(number: number, queue: string, type: string): void {
    this.#note(segmentOf(number), [queueName(queue), typeName(type)], true);
  }

  forget(): void {
    this.#before = null;
    this.#inserted = 0;
    this.#queue = null;
    this.#type = null;
    this.#names.clear();
  }

  /** Call also after rows are deleted: SQLite gives the number of the newest one again. */
  flush(): void {
    if (this.#before !== null && this.#names.size > 0) {
      const first = this.#before + 1;
      const last = segmentOf(this.#before + this.#inserted);
      for (let segment = segmentOf(first); segment <= last; segment++)
        this.#note(segment, [...this.#names], first <= startOf(segment));
    }
    this.forget();
  }

  /** @param whole true if all jobs of the segment come by this and later calls. */
  #note(segment: number, names: readonly string[], whole: boolean): void {
    const slot = segment % kept;
    const known = this.#sql.get(statements.segment, slot);
    let written = separator;
    if (known?.segment === segment) {
      written = known.names;
      if (written === '') return;
    } else if (!whole || (known?.segment ?? -1) > segment) {
      if (known) this.#sql.change(statements.forgetSegment, slot);
      return;
    }
    const more = names.filter((name) => !written.includes(named(name)));
    if (more.length === 0) return;
    const all = `${written}${more.join(separator)}${separator}`;
    this.#sql.change(statements.setSegment, slot, segment, all.length > longest ? '' : all);
  }
}

/** Segments that have no job of the queue or type. */
export function segmentsWithout(
  sql: Connection,
  { queue, type }: { readonly queue?: string | undefined; readonly type?: string | undefined },
): ReadonlySet<number> {
  if (queue === undefined && type === undefined) return new Set();
  const wanted = [queue === undefined ? '' : named(queueName(queue)), type === undefined ? '' : named(typeName(type))];
  return new Set(sql.values(statements.segmentsWithout, ...wanted).map(integer));
}

const separator = '\n';

function queueName(queue: string): string {
  return `q:${queue}`;
}

function typeName(type: string): string {
  return `t:${type}`;
}

function named(name: string): string {
  return separator + name + separator;
}
