/** What decisions ask of a store about single jobs: the engine answers in batches, the SDK's fake at once. */
import type { Inserted } from './admission.ts';
import { ProtocolError } from './errors.ts';
import type { JobId, JobRecord, NewJob, Transition } from './job/job.ts';
import type { State } from './job/states.ts';
import { type Answered, ask, type Steps } from './steps.ts';

export interface JobStore {
  /** As one group, all or none. */
  insert(group: readonly NewJob[]): Answered<readonly Inserted[]>;
  get(id: JobId): Answered<JobRecord | null>;
  transition(
    transition: Transition,
  ): Answered<{ readonly kind: 'moved'; readonly was: State } | { readonly kind: 'already' | 'refused' | 'missing' }>;
}

/** A job that keeps moving between reading and writing is busy, not refused: the caller may try again. */
const rounds = 5;

export interface Decided {
  /** As it was read. */
  readonly job: JobRecord;
  /** Null where the decision was to leave the job as it is. */
  readonly done: { readonly transition: Transition; readonly was: State } | null;
}

/**
 * Writes what is decided from a job, and decides again where the job has changed meanwhile.
 * @throws ProtocolError `not_found`; `backend_unavailable` where others are quicker each time.
 */
export function* change(store: JobStore, id: JobId, decide: (job: JobRecord) => Transition | null): Steps<Decided> {
  for (let round = 0; round < rounds; round++) {
    const job = yield* ask(store.get(id));
    if (job === null) throw missingJob(id);
    const transition = decide(job);
    if (transition === null) return { job, done: null };
    const moved = yield* ask(store.transition(transition));
    if (moved.kind === 'moved') return { job, done: { transition, was: moved.was } };
  }
  throw new ProtocolError('backend_unavailable', 'The job is changing too quickly; nothing was changed.', {
    job_id: id,
  });
}

/** @param id as it was sent; more than 255 characters are not told back. */
export function missingJob(id: JobId): ProtocolError {
  const shown = id.slice(0, 255);
  return new ProtocolError('not_found', `There is no job with the id ${shown}.`, { job_id: shown });
}
