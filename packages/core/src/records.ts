import type { Inserted } from './admission.ts';
import type { JobRecord, Json, NewJob, Transition } from './job/job.ts';
import { State } from './job/states.ts';
import type { JobClaim } from './store/jobs.ts';
import type { Millis } from './time/clock.ts';

export interface RecordKey {
  readonly kind: string;
  readonly key: string;
}

/** A small text under a name, which the store keeps and never reads: a schema, a token, an entry of the audit log. */
export interface StoredRecord extends RecordKey {
  /** Chosen by the writer, and another one at each change; 1 or larger. */
  readonly version: number;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  readonly body: Json;
}

/** Changes of records, and of jobs with them, that take effect together if every check fits. */
export interface RecordChange {
  /** The version that a record must have; null if there must be none. */
  readonly checks?: readonly (RecordKey & { readonly version: number | null })[];
  /** Jobs that must be active under these claims. Nothing ends such a claim between the check and the commit. */
  readonly claims?: readonly JobClaim[];
  /** Each replaces the record of its key. */
  readonly puts?: readonly StoredRecord[];
  readonly deletes?: readonly RecordKey[];
  /** Applied before `job` is looked at, each by its own guard; they take effect even where the job is refused. */
  readonly ends?: readonly Transition[];
  /** Bounds and the pause of its queue do not refuse it. If it is refused, no record changes and no event follows. */
  readonly job?: NewJob;
  /** Written behind those of the jobs. */
  readonly events?: readonly Json[];
}

/**
 * True for a change that took effect, false where a record that it checks has another version, or a job another claim.
 * Otherwise the answer to its job, which was refused.
 */
export type CommitAnswer = boolean | Inserted;

/** Reports whether every record that a change checks has the version that it names, and every job the claim. */
export function fitsChange(
  { checks = [], claims = [] }: RecordChange,
  find: (key: RecordKey) => StoredRecord | null,
  jobOf: (id: string) => Pick<JobRecord, 'state' | 'claim'> | null,
): boolean {
  const isHeld = ({ id, claim }: JobClaim) => {
    const job = jobOf(id);
    return job?.state === State.active && job.claim === claim;
  };
  return checks.every((check) => (find(check)?.version ?? null) === check.version) && claims.every(isHeld);
}
