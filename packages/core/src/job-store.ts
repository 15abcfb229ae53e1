/** The answers of a store about single jobs: the engine answers in batches, the SDK's fake at once. */
import type { Inserted } from './admission.ts';
import { ProtocolError } from './errors.ts';
import type { JobId, JobRecord, NewJob, Transition } from './job/job.ts';
import type { State } from './job/states.ts';
import { type Answered, ask, type Steps } from './steps.ts';
import type { WorkflowReader } from './workflow/reopen.ts';

export interface JobStore {
  readonly workflows: WorkflowReader;
  /** As one group, all or none. */
  insert(group: readonly NewJob[]): Answered<readonly Inserted[]>;
  get(id: JobId): Answered<JobRecord | null>;
  transition(
    transition: Transition,
  ): Answered<{ readonly kind: 'moved'; readonly was: State } | { readonly kind: 'already' | 'refused' | 'missing' }>;
}

/** How often a change is decided again because the job has changed; then the caller may try again. */
const rounds = 5;

export interface Decided {
  /** The job before the change. */
  readonly job: JobRecord;
  /** Null if the decision was to change nothing. */
  readonly done: { readonly transition: Transition; readonly was: State } | null;
}

/**
 * Writes a change that is decided from a job, and decides again if the job has changed since it was read.
 * @throws ProtocolError `not_found`; `backend_unavailable` if others are faster each time.
 */
export function* change(
  store: JobStore,
  id: JobId,
  decide: (job: JobRecord) => Answered<Transition | null>,
): Steps<Decided> {
  for (let round = 0; round < rounds; round++) {
    const job = yield* ask(store.get(id));
    if (job === null) throw missingJob(id);
    const transition = yield* ask(decide(job));
    if (transition === null) return { job, done: null };
    const moved = yield* ask(store.transition(transition));
    if (moved.kind === 'moved') return { job, done: { transition, was: moved.was } };
  }
  throw new ProtocolError('backend_unavailable', 'Other calls keep changing the job; nothing was changed. Try again.', {
    job_id: id,
  });
}

/** @param id as sent; the message has at most 255 characters of it. */
export function missingJob(id: JobId): ProtocolError {
  const start = id.slice(0, 255);
  return new ProtocolError('not_found', `There is no job with the id ${start}.`, { job_id: start });
}
