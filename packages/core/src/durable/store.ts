import type { JobId, JobRecord, Transition } from '../job/job.ts';
import type { CommitAnswer, RecordChange, RecordKey, StoredRecord } from '../records.ts';
import type { Answered } from '../steps.ts';
import type { RecordPage } from '../store/records.ts';
import type { Clock, Millis } from '../time/clock.ts';
import type { StepState } from './row.ts';
import type { Tallies } from './tally.ts';

/** The calls of a store about steps. The engine answers them in batches, the SDK's fake at once. */
export interface StepStore {
  readonly clock: Clock;
  readonly tallies: Tallies;
  /** The most bytes of all values of a job. */
  readonly maxJobBytes: number;
  job(id: JobId): Answered<JobRecord | null>;
  records(keys: readonly RecordKey[]): Answered<readonly (StoredRecord | null)[]>;
  scan(kind: string, page: RecordPage): Answered<readonly StoredRecord[]>;
  commit(change: RecordChange): Answered<CommitAnswer>;
  transition(transition: Transition): Answered<unknown>;
  /** The lease of a job without a visibility timeout of its own, in milliseconds. */
  readonly defaultLeaseMs: Millis;
  /** Counts what was recorded. */
  recorded(kind: string, outcome: StepState | 'repeated'): void;
}
