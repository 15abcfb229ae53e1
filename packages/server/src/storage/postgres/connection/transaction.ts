import type { Millis } from '@ojs-ts/core';
import type { State } from '@ojs-ts/core/job';
import { type Cells, text } from '../../cells.ts';
import { batchValues, EventBuffer } from '../events/event-buffer.ts';
import { type DeltaPages, LimitDeltas, type LimitedJob } from '../limits/limit-deltas.ts';
import { append, Counters, countedParameters } from './counters.ts';
import { Reader } from './sql.ts';

/** The parameters of the counters where a transaction counted nothing. */
const nothingCounted = Array.from({ length: countedParameters }, () => null);

/** The connection of a transaction. */
export interface Statements {
  query(text: string, values: readonly unknown[]): Promise<readonly Cells[]>;
  script(text: string): Promise<void>;
}

/** The part of a committed transaction that others need. */
export interface CommitSummary {
  /** Queues whose jobs became available, or may start again. */
  readonly woken: ReadonlySet<string>;
  /** True if events were logged. */
  readonly logged: boolean;
  /** Rows deleted from the tables of limit deltas and from the inbox. */
  readonly taken: number;
}

/**
 * One transaction: its statements, and the counters, limit deltas and events that it gathers and writes once, however
 * many jobs changed. Its counters and deltas are appended, so it locks no row that others write.
 */
export class Transaction extends Reader {
  readonly schema: string;
  readonly pages: DeltaPages;
  /** The time of the changes. A claim may move it forward. */
  now: Millis;
  /** True if events are logged. */
  readonly logs: boolean;
  /** True if a statement has written events besides {@link log}. */
  logged = false;
  /** The events of the transaction: one batch of the event log. */
  readonly log: EventBuffer;
  readonly counts: Counters;
  readonly limits: LimitDeltas;
  /** Queues to wake after the commit. */
  readonly woken = new Set<string>();
  readonly #statements: Statements;
  readonly #writes: Promise<unknown>[] = [];
  readonly #atEnd: (() => void)[] = [];
  /** Rows deleted from the tables of limit deltas and from the inbox. */
  taken = 0;
  /** The first error of a statement. Later statements fail too, with an error that says only that. */
  failure: unknown = null;

  constructor(statements: Statements, schema: string, pages: DeltaPages, now: Millis, logs: boolean) {
    super();
    this.#statements = statements;
    this.schema = schema;
    this.pages = pages;
    this.now = now;
    this.logs = logs;
    this.log = new EventBuffer(logs);
    this.counts = new Counters();
    this.limits = new LimitDeltas();
  }

  /**
   * `ojs.` before a name means the schema. Rows are arrays of cells. Connections prepare each text once, so a
   * text must not depend on values.
   */
  async query(text: string, values: readonly unknown[] = []): Promise<readonly Cells[]> {
    try {
      return await this.#statements.query(text, values);
    } catch (error) {
      this.failure ??= error;
      throw error;
    }
  }

  /**
   * Sends a statement whose rows are not needed, and does not wait for it: the next statement costs no round trip.
   * Later statements see its changes. If it fails, the transaction fails.
   */
  write(text: string, values: readonly unknown[] = []): void {
    this.#later(this.query(text, values));
  }

  /** Wakes the queues that the statement selects. */
  wake(selectQueues: string, values: readonly unknown[] = []): void {
    const noted = this.values(selectQueues, values).then((queues) => {
      for (const queue of queues) this.woken.add(text(queue));
    });
    this.#later(noted);
  }

  #later(work: Promise<unknown>): void {
    work.catch(() => {});
    this.#writes.push(work);
  }

  /** Runs statements without parameters, several in one text; not prepared. */
  script(text: string): Promise<void> {
    return this.#statements.script(text);
  }

  /** Counts the change of a job's state; `from` is null for a new job, `to` for a removed one. */
  count(job: LimitedJob, from: State | null, to: State | null): void {
    if (from !== null) this.counts.add(job.queue, from, -1);
    if (to !== null) this.counts.add(job.queue, to, 1);
    if (job.limits.length > 0) this.limits.change(job, from, to);
  }

  /** Registers another writer that sends its rows before the commit. */
  atEnd(flush: () => void): void {
    this.#atEnd.push(flush);
  }

  /** Sends all that was gathered. */
  async end(): Promise<CommitSummary> {
    for (const flush of this.#atEnd) flush();
    const entries = this.log.take();
    this.#append(entries);
    this.limits.flush(this);
    for (let sent = 0; sent < this.#writes.length; sent++) await this.#writes[sent];
    return { woken: this.woken, logged: this.logged || entries !== null, taken: this.taken };
  }

  /** Sends counters and limit deltas early, before a statement reads them. */
  flush(): void {
    this.#append(null);
    this.limits.flush(this);
  }

  #append(logged: ReturnType<EventBuffer['take']>): void {
    const counted = this.counts.take(this.now);
    if (!counted && logged === null) return;
    const values = counted ?? [this.now, ...nothingCounted];
    this.write(append, [...values, ...batchValues(logged)]);
  }
}
