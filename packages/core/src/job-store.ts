/** The answers of a store about single jobs: the engine answers in batches, the SDK's fake at once. */
import type { Inserted } from './admission.ts';
import { ProtocolError } from './errors.ts';
import type { JobId, JobRecord, NewJob, Transition } from './job/job.ts';
import { type State, stateName } from './job/states.ts';
import type { UniqueHolder } from './lifecycle/unique/held-keys.ts';
import { type Answered, ask, type Steps } from './steps.ts';
import type { WorkflowReader } from './workflow/reopen.ts';

export interface JobStore {
  readonly workflows: WorkflowReader;
  /** As one group, all or none. */
  insert(group: readonly NewJob[]): Answered<readonly Inserted[]>;
  get(id: JobId): Answered<JobRecord | null>;
  transition(transition: Transition): Answered<Outcome>;
}

/** The part of an answer to a change that does not depend on the kind of store. */
type Outcome =
  | { readonly kind: 'moved'; readonly was: State }
  | { readonly kind: 'duplicate'; readonly existing: UniqueHolder }
  | { readonly kind: 'already' | 'refused' | 'missing' };

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
 * @throws ProtocolError `not_found`; `duplicate` if another job holds its unique key; `backend_unavailable` if others
 * are faster each time.
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
    if (moved.kind === 'duplicate') throw keyHeld(moved.existing, transition.unique?.key ?? null, { job_id: id });
    if (moved.kind === 'moved') return { job, done: { transition, was: moved.was } };
  }
  throw new ProtocolError('backend_unavailable', 'Other calls keep changing the job; nothing was changed. Try again.', {
    job_id: id,
  });
}

/** The refusal of a job whose unique key another job holds. */
export function keyHeld(
  { id, state }: UniqueHolder,
  key: string | null,
  about: { readonly index: number } | { readonly job_id: JobId },
): ProtocolError {
  const existing = { existing_job_id: id, existing_job_state: stateName(state), unique_key: key, uniqueness_key: key };
  const nothing = 'index' in about ? 'nothing was enqueued' : `job ${about.job_id} was not changed`;
  const message = `Job ${id} has the same unique key and is ${stateName(state)}; ${nothing}.`;
  return new ProtocolError('duplicate', message, { ...existing, ...about });
}

/** Throws for the first change that was refused because another job holds the unique key. */
export function checkKeys(transitions: readonly Transition[], moved: readonly Outcome[]): void {
  for (const [index, { id, unique }] of transitions.entries()) {
    const answer = moved[index];
    if (answer?.kind === 'duplicate') throw keyHeld(answer.existing, unique?.key ?? null, { job_id: id });
  }
}

/** @param id as sent; the message has at most 255 characters of it. */
export function missingJob(id: JobId): ProtocolError {
  const start = id.slice(0, 255);
  return new ProtocolError('not_found', `There is no job with the id ${start}.`, { job_id: start });
}
