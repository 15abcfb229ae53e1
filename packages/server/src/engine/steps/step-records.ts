import { type Clock, type Millis, uuidv7 } from '@ojs-ts/core';
import { type StepState, type StepStore, sweepMail, Tallies, tendUndos } from '@ojs-ts/core/durable';
import type { JobId, JobRecord, Transition } from '@ojs-ts/core/job';
import { run } from '@ojs-ts/core/lifecycle';
import type {
  CommitAnswer,
  RecordChange,
  RecordKey,
  RecordPage,
  Storage,
  StoredRecord,
} from '../../storage/storage.ts';
import type { Batches } from '../batches.ts';
import { coalesce } from '../coalesce.ts';
import type { EngineLog } from '../options.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** The most bytes of the values of a job, in a storage that does not say less. */
const usualJobBytes = 64 * 1_048_576;

/** The interval of sweeps, in milliseconds. */
export const sweepMs = 10_000;

/** A record weighs one more for each so many characters, so a commit of 1,000 has at most about 16 MiB. */
const heavy = 16_384;

interface Parts {
  readonly storage: Storage;
  readonly batches: Batches;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly log: EngineLog;
  readonly defaultLeaseMs: Millis;
}

/** The rows of durable steps in the store. Calls of one turn of the event loop share a read and a commit. */
export class StepRecords implements StepStore {
  readonly clock: Clock;
  readonly tallies = new Tallies();
  readonly maxJobBytes: number;
  readonly defaultLeaseMs: Millis;
  readonly #parts: Parts;
  readonly #get: (keys: readonly RecordKey[]) => Promise<readonly (StoredRecord | null)[]>;
  readonly #commit: (change: RecordChange) => Promise<CommitAnswer>;
  /** The place at which the next sweep begins. */
  #swept: string | undefined;
  #undone: string | undefined;

  constructor(parts: Parts) {
    const { storage, clock, telemetry } = parts;
    const { records, traits } = storage;
    const { parallel, maxBatch: max, maxStepBytes = usualJobBytes } = traits;
    const options = { parallel, max, split: true, tracing: telemetry.tracing };
    this.#parts = parts;
    this.clock = clock;
    this.maxJobBytes = maxStepBytes;
    this.defaultLeaseMs = parts.defaultLeaseMs;
    this.#get = coalesce(
      async (calls: readonly (readonly RecordKey[])[]) => {
        const found = (await records.get(calls.flat())).values();
        return calls.map((keys) => [...found.take(keys.length)]);
      },
      { ...options, weight: (keys: readonly RecordKey[]) => keys.length },
    );
    // A repeated change answers false, and what it has written is then found: each takes effect once.
    this.#commit = coalesce((changes: readonly RecordChange[]) => records.commit(changes, clock.now()), {
      ...options,
      weight: ({ puts = [] }: RecordChange) => puts.reduce((sum, { body }) => sum + 1 + body.length / heavy, 1),
    });
  }

  job(id: JobId): Promise<JobRecord | null> {
    return this.#parts.batches.read(id);
  }

  records(keys: readonly RecordKey[]): Promise<readonly (StoredRecord | null)[]> {
    return this.#get(keys);
  }

  scan(kind: string, page: RecordPage): Promise<readonly StoredRecord[]> {
    return this.#parts.storage.records.scan(kind, page);
  }

  commit(change: RecordChange): Promise<CommitAnswer> {
    return this.#commit(change);
  }

  transition(transition: Transition): Promise<unknown> {
    return this.#parts.batches.transition(transition);
  }

  /** Removes expired mail from one page of mailboxes. */
  async sweep(): Promise<void> {
    this.#swept = await run(sweepMail(this, this.#swept));
  }

  /** Undoes jobs of one page that have ended badly. */
  async undo(): Promise<void> {
    const { clock, log } = this.#parts;
    this.#undone = await run(
      tendUndos(
        this,
        this.#undone,
        () => uuidv7(clock),
        (id, error) => {
          log.warn({ job_id: id, error: String(error) }, 'undo not started');
        },
      ),
    );
  }

  recorded(kind: string, outcome: StepState | 'repeated'): void {
    this.#parts.telemetry.stepRecorded(kind, outcome);
  }
}
