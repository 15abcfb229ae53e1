import type { Connection } from '../../connection/connection.ts';
import { booleanOf, numberOf, textOf, type Wire, wireOf } from '../../json.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import { StepKindError, StepLimitError, TokenTakenError } from './errors.ts';
import { type Row, readRows, type StepWrite } from './row.ts';
import type { StepStore } from './store.ts';
import { untilAnswered } from './until-answered.ts';
import type { StepWriter } from './writer.ts';

/** The rows of a job on a server with x-steps. */
export class ServerStore implements StepStore {
  readonly suspends = true;
  readonly #leased: LeasedJob;
  readonly #connection: Connection;
  readonly #writer: StepWriter;
  readonly #lost: (message: string) => void;
  readonly #rows = new Map<string, Row>();
  #last = 0;
  /** The rest of the rows; null if all came with the job. */
  #rest: Promise<void> | null;
  #hasMore: boolean;

  /** @param lost is called when the server has taken the job from this worker. */
  constructor(leased: LeasedJob, connection: Connection, writer: StepWriter, lost: (message: string) => void) {
    this.#leased = leased;
    this.#connection = connection;
    this.#writer = writer;
    this.#lost = lost;
    const found = wireOf(leased.wire.x_steps);
    this.#add(readRows(found?.rows));
    this.#hasMore = booleanOf(found?.more) ?? false;
    this.#rest = null;
  }

  get lastNumber(): number {
    return this.#last;
  }

  async find(name: string): Promise<Row | undefined> {
    const row = this.#rows.get(name);
    // An open row will end with a number behind all others.
    if (!this.#hasMore || (row !== undefined && row.state !== 'open')) return row;
    // An error is not kept: the next step asks again.
    this.#rest ??= this.#readRest().catch((error: unknown) => {
      this.#rest = null;
      throw error;
    });
    await this.#rest;
    return this.#rows.get(name);
  }

  reload(): void {
    this.#rows.clear();
    this.#last = 0;
    this.#rest = null;
    this.#hasMore = true;
  }

  async current(name: string): Promise<Row | undefined> {
    const [row] = readRows((await this.#read({ names: JSON.stringify([name]), values: 'all' })).steps);
    return row;
  }

  async all(): Promise<readonly Row[]> {
    const rows: Row[] = [];
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page: Wire = await this.#read({ after, values: 'small' });
      rows.push(...readRows(page.steps));
      after = numberOf(page.next);
    }
    return rows;
  }

  async valueOf(row: Row): Promise<unknown> {
    if (!row.isApart) return row.value;
    const [found] = readRows((await this.#read({ names: JSON.stringify([row.name]), values: 'all' })).steps);
    return found?.value;
  }

  async record(steps: readonly StepWrite[]): Promise<readonly Wire[]> {
    const { status, code, message, details, steps: recorded } = await this.#writer.record(this.#leased, steps);
    const about = { jobId: this.#leased.id };
    if (code === 'token_taken') throw new TokenTakenError(textOf(details?.token) ?? '', textOf(details?.job_id), about);
    if (status === 404 || status === 409) {
      this.#lost(`The step was not recorded: ${message || 'the job no longer belongs to this worker'}`);
      return new Promise(() => {});
    }
    if (code === 'step_kind') throw new StepKindError(message, about);
    if (status === 413) throw new StepLimitError('step_too_large', message, about);
    if (status === 422) throw new StepLimitError('too_many_steps', message, about);
    return recorded;
  }

  async #readRest(): Promise<void> {
    for (let after: number | undefined = this.#last; after !== undefined; ) {
      const page: Wire = await this.#read({ after, values: 'small' });
      this.#add(readRows(page.steps));
      after = numberOf(page.next);
    }
  }

  /** Repeats the call until it is answered: a handler must not see that its replay met an outage. */
  async #read(query: Readonly<Record<string, string | number>>): Promise<Wire> {
    const call = { operation: 'job.steps', params: { id: this.#leased.id }, query } as const;
    return untilAnswered(this.#leased, () =>
      this.#connection.call(call, { signal: this.#leased.signal }, { jobId: this.#leased.id }),
    );
  }

  #add(rows: readonly Row[]): void {
    for (const row of rows) {
      this.#rows.set(row.name, row);
      this.#last = Math.max(this.#last, row.number);
    }
  }
}
