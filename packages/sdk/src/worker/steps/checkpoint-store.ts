import type { Wire } from '../../json.ts';
import { checkpointIn, hasRows, mark, ownCheckpoint } from './checkpoint.ts';
import { StepLimitError } from './errors.ts';
import type { StepsHost } from './host.ts';
import { type Row, readRow, readRows, type StepWrite } from './row.ts';
import type { StepStore } from './store.ts';

/** The largest checkpoint that servers take, in characters of JSON. */
const maxCharacters = 1_048_576;

/**
 * The rows of a job on a server without x-steps: in the checkpoint of the job, beside the state that the handler saves
 * there. Each record saves all of them.
 */
export class CheckpointStore implements StepStore {
  readonly suspends = false;
  readonly #host: StepsHost;
  readonly #rows = new Map<string, Row | StepWrite>();
  #own: unknown;
  #last = 0;
  #saving: Promise<void> = Promise.resolve();
  /** The save that has not begun yet: it has all rows so far. */
  #next: Promise<void> | null = null;

  constructor(host: StepsHost) {
    this.#host = host;
    const state = checkpointIn(host.leased.wire);
    this.#own = ownCheckpoint(state);
    for (const row of hasRows(state) ? readRows(state.rows) : []) {
      this.#rows.set(row.name, row);
      this.#last = Math.max(this.#last, row.number);
    }
  }

  get lastNumber(): number {
    return this.#last;
  }

  async find(name: string): Promise<Row | undefined> {
    return readRow(this.#rows.get(name));
  }

  reload(): void {}

  current(name: string): Promise<Row | undefined> {
    return this.find(name);
  }

  async all(): Promise<readonly Row[]> {
    return [...this.#rows.values()].map(readRow).filter((row) => row !== undefined);
  }

  async valueOf(row: Row): Promise<unknown> {
    return row.value;
  }

  async record(steps: readonly StepWrite[]): Promise<readonly Wire[]> {
    const before = [...this.#rows];
    for (const step of steps) this.#rows.set(step.name, step);
    const characters = JSON.stringify(this.#state).length;
    if (characters > maxCharacters) {
      this.#rows.clear();
      for (const [name, row] of before) this.#rows.set(name, row);
      throw new StepLimitError(
        'step_too_large',
        `The server does not support durable steps (the extension x-steps), so their results are kept in the ` +
          `checkpoint of the job: ${characters} characters with this one, and it can have ${maxCharacters}.`,
        { jobId: this.#host.jobId },
      );
    }
    await this.#save();
    return [];
  }

  /** The checkpoint of the handler, beside the rows. */
  async checkpoint(state: unknown): Promise<void> {
    this.#own = state;
    await this.#save();
  }

  get #state(): Wire {
    return { [mark]: 1, rows: [...this.#rows.values()], ...(this.#own !== undefined && { state: this.#own }) };
  }

  #save(): Promise<void> {
    if (this.#next !== null) return this.#next;
    const next = this.#saving
      .catch(() => {})
      .then(() => {
        this.#next = null;
        return this.#host.saveCheckpoint(this.#state);
      });
    this.#next = next;
    this.#saving = next;
    return next;
  }
}
