import type { Json, Millis } from '@ojs-ts/core';
import { append, Counts } from './counts.ts';
import { LimitChanges } from './limit-changes.ts';
import { Slot } from './log.ts';
import type { Pages } from './pages.ts';
import { type Cells, text } from './row.ts';

/** In the place of counts where there are none. */
const nothingCounted = Array.from({ length: 21 }, () => null);

/** The way to the connection that the transaction has. */
export interface Statements {
  query(text: string, values: readonly unknown[]): Promise<readonly Cells[]>;
  script(text: string): Promise<void>;
}

/** What a committed transaction leaves for others to be told. */
export interface Written {
  /** Queues whose jobs became available, or may start again. */
  readonly woken: ReadonlySet<string>;
  /** Whether the log has grown. */
  readonly logged: boolean;
  /** Rows that were taken from the changes of limits and from the inbox. */
  readonly taken: number;
}

/**
 * One transaction: its statements, and what it gathers beside its rows, so that it is written once however many jobs changed. Nothing shared is locked by
 * what is gathered: it is appended.
 */
export class Transaction {
  readonly schema: string;
  readonly pages: Pages;
  /** The time of what it changes. A claim may move it on. */
  now: Millis;
  /** The events of the transaction: they become one batch. */
  readonly log: Slot;
  readonly counts: Counts;
  readonly limits: LimitChanges;
  /** Queues to wake after the commit. */
  readonly woken = new Set<string>();
  readonly #statements: Statements;
  readonly #writes: Promise<unknown>[] = [];
  readonly #atEnd: (() => void)[] = [];
  /** Rows taken from the changes of limits and from the inbox. */
  taken = 0;
  /** The first error that a statement met: those behind it tell no more than that. */
  failure: unknown = null;

  constructor(statements: Statements, schema: string, pages: Pages, now: Millis, logs: boolean) {
    this.#statements = statements;
    this.schema = schema;
    this.pages = pages;
    this.now = now;
    this.log = new Slot(logs);
    this.counts = new Counts();
    this.limits = new LimitChanges();
  }

  /** `ojs.` in front of a name stands for the schema. Rows are arrays of cells. Statement texts are prepared: make few of them. */
  async query(text: string, values: readonly unknown[] = []): Promise<readonly Cells[]> {
    try {
      return await this.#statements.query(text, values);
    } catch (error) {
      this.failure ??= error;
      throw error;
    }
  }

  /**
   * The same for a statement whose answer nobody needs: it is sent at once and not waited for, so what is sent next costs no round trip. Later statements
   * see what it changed; where it fails the transaction does.
   */
  write(text: string, values: readonly unknown[] = []): void {
    this.#later(this.query(text, values));
  }

  /** Wakes the queues that the statement finds. */
  wake(found: string, values: readonly unknown[]): void {
    const noted = this.query(found, values).then((rows) => {
      for (const [queue] of rows) this.woken.add(text(queue));
    });
    this.#later(noted);
  }

  #later(work: Promise<unknown>): void {
    work.catch(() => {});
    this.#writes.push(work);
  }

  /** Statements without parameters, several in one text; not prepared. */
  script(text: string): Promise<void> {
    return this.#statements.script(text);
  }

  /** Something else that gathers, and is to be sent before the commit. */
  atEnd(flush: () => void): void {
    this.#atEnd.push(flush);
  }

  /** Sends what was gathered. */
  async end(): Promise<Written> {
    for (const flush of this.#atEnd) flush();
    const entries = this.log.take();
    this.#append(entries);
    this.limits.flush(this);
    for (let sent = 0; sent < this.#writes.length; sent++) await this.#writes[sent];
    return { woken: this.woken, logged: entries.length > 0, taken: this.taken };
  }

  /** Appends counts, as before they are read. */
  flush(): void {
    this.#append([]);
    this.limits.flush(this);
  }

  #append(entries: readonly Json[]): void {
    const counted = this.counts.take(this.now);
    if (!counted && entries.length === 0) return;
    const values = counted ?? [this.now, ...nothingCounted];
    this.write(append, [...values, entries.length, entries.length === 0 ? null : `[${entries.join(',')}]`]);
  }
}
