import { type StepStore, Tallies } from '../../src/durable/index.ts';
import { manualClock, uuidFrom } from '../../src/index.ts';
import { type JobRecord, readEnvelope, type Transition } from '../../src/job/index.ts';
import { memoryStore, Tables } from '../../src/memory/index.ts';
import { start } from '../support/records.ts';

/** The store in memory with one job, and the calls of durable steps on it. */
export class MemorySteps implements StepStore {
  readonly clock = manualClock(start);
  readonly tallies = new Tallies();
  readonly maxJobBytes = 64 * 1_048_576;
  readonly defaultLeaseMs = 1_800_000;
  readonly id = uuidFrom(start, 1, 1);
  readonly #tables = new Tables({ wake() {}, logged() {} }, true);
  readonly #store = memoryStore(() => this.#tables);

  constructor(envelope: object = {}) {
    const text = JSON.stringify({ type: 'a.b', args: [1], ...envelope });
    this.#store.jobs.insert([[readEnvelope(text, start, () => this.id).job]], start);
  }

  get now(): number {
    return this.clock.now();
  }

  /** The job as it is now. */
  get current(): JobRecord {
    const job = this.job(this.id);
    if (job === null) throw new Error('The job is gone.');
    return job;
  }

  /** Starts the job if it is due, for this worker. */
  claim(worker = 'w1'): JobRecord | null {
    this.#store.upkeep.promote(this.now, 10);
    const lease = { leaseMs: 30_000, defaultLeaseMs: 30_000, leaseRequired: true };
    const [claimed] = this.#store.jobs.claim(
      [{ request: null, queues: ['default'], limit: 1, worker, ...lease }],
      this.now,
    );
    return claimed?.jobs[0] ?? null;
  }

  job(id: string): JobRecord | null {
    return this.#store.jobs.get([id])[0] ?? null;
  }

  records: StepStore['records'] = (keys) => this.#store.records.get(keys);
  scan: StepStore['scan'] = (kind, page) => this.#store.records.scan(kind, page);

  commit: StepStore['commit'] = (change) => {
    const [answer = false] = this.#store.records.commit([change], this.now);
    return answer;
  };

  transition(transition: Transition): unknown {
    return this.#store.jobs.transition([transition], this.now)[0];
  }

  recorded(): void {}
}
