import { type Clock, uuidv7 } from '@ojs-ts/core';
import { type StepStore, Tallies, tendUndos } from '@ojs-ts/core/durable';
import type { JobRecord, Transition } from '@ojs-ts/core/job';
import { atOnce, run } from '@ojs-ts/core/lifecycle';
import type { CommitAnswer, RecordChange, RecordKey, RecordPage, StoredRecord } from '@ojs-ts/core/memory';

/** The table of the jobs, as far as steps need it. */
interface JobTable {
  readonly clock: Clock;
  readonly now: number;
  readonly records: {
    get(keys: readonly RecordKey[]): readonly (StoredRecord | null)[];
    scan(kind: string, page: RecordPage): readonly StoredRecord[];
    commit(changes: readonly RecordChange[], now: number): readonly CommitAnswer[];
  };
  get(id: string): JobRecord | null;
  transition(transition: Transition): unknown;
}

/** The rows and the mail of the jobs of a test. */
export class MemorySteps implements StepStore {
  readonly tallies = new Tallies();
  readonly maxJobBytes = 64 * 1_048_576;
  readonly defaultLeaseMs = 1_800_000;
  readonly #table: JobTable;

  constructor(table: JobTable) {
    this.#table = table;
  }

  get clock(): Clock {
    return this.#table.clock;
  }

  job(id: string): JobRecord | null {
    return this.#table.get(id);
  }

  records(keys: Parameters<StepStore['records']>[0]): ReturnType<StepStore['records']> {
    return this.#table.records.get(keys);
  }

  scan(kind: string, page: Parameters<StepStore['scan']>[1]): ReturnType<StepStore['scan']> {
    return this.#table.records.scan(kind, page);
  }

  commit(change: Parameters<StepStore['commit']>[0]): ReturnType<StepStore['commit']> {
    const [answer = false] = this.#table.records.commit([change], this.#table.now);
    return answer;
  }

  transition(transition: Transition): unknown {
    return this.#table.transition(transition);
  }

  /** Undoes the jobs that have ended badly. */
  undo(): void {
    const newId = () => uuidv7(this.clock);
    const failed = (_: string, error: unknown) => {
      throw error;
    };
    let from: string | undefined;
    do from = atOnce(run(tendUndos(this, from, newId, failed)));
    while (from !== undefined);
  }

  recorded(): void {}
}
