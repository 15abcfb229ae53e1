import { type StepStore, Tallies } from '@ojs-ts/core/durable';
import type { JobRecord, Transition } from '@ojs-ts/core/job';
import type { Table } from './table.ts';

/** The rows and the mail of the jobs of a test. */
export class MemorySteps implements StepStore {
  readonly tallies = new Tallies();
  readonly maxJobBytes = 64 * 1_048_576;
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  get clock(): Table['clock'] {
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

  recorded(): void {}
}
