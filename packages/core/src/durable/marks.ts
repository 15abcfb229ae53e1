import { ProtocolError } from '../errors.ts';
import type { JobPolicy, JobRecord, Json, Transition } from '../job/job.ts';
import { State, stateName } from '../job/states.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import type { StepsMark, StepWait, Successor } from './mark.ts';
import { hasSteps } from './row.ts';

type Marked = Pick<JobRecord, 'policy'>;

/** The mark of a job that has rows; null for any other. */
export function markOf(job: Marked): StepsMark | null {
  return hasSteps(job) ? (readPolicy(job).steps ?? null) : null;
}

/** The text of the policy with this mark. */
export function withMark(job: Marked, steps: StepsMark): Json {
  return JSON.stringify({ ...readPolicy(job), steps });
}

/** Writes the mark of a job, which stays in its state. */
export function marking(job: JobRecord, mark: StepsMark): Transition {
  const { id, state, claim } = job;
  return { id, from: state, claim, to: state, policy: withMark(job, mark), events: [] };
}

/** Attempts that do not count. */
export function pastOf(job: Marked): number {
  return markOf(job)?.past ?? 0;
}

/** The waits of a suspended job; null for a job in any other state, or that waits for another reason. */
export function waitsOf(job: Marked & Pick<JobRecord, 'state'>): readonly StepWait[] | null {
  if (job.state !== State.retryable || !job.policy?.includes('"suspended":')) return null;
  return markOf(job)?.suspended?.waits ?? null;
}

/** A wait as a reply and an event show it. */
export function renderWait({ until, ...wait }: StepWait): object {
  return { ...wait, ...(until !== undefined && { until: formatTimestamp(until) }) };
}

/**
 * The member of a transition to retryable that is no suspension. Without it, the job would look as if it still waited
 * for what it did before.
 */
export function unsuspended(job: Marked): { readonly policy?: Json } {
  const { suspended, ...mark } = markOf(job) ?? {};
  return suspended === undefined ? {} : { policy: withMark(job, mark) };
}

/**
 * The member of a manual retry: a new round of attempts, of which none is forgiven yet.
 * @throws ProtocolError `steps_moved`
 */
export function restarted(job: Marked & Pick<JobRecord, 'id'>): { readonly policy?: Json } {
  const mark = markOf(job);
  if (mark === null) return {};
  const { suspended: _, past: __, left: ___, ...kept } = mark;
  if (mark.next !== undefined) throw stepsMoved(job, mark.next);
  return { policy: withMark(job, kept) };
}

/** The refusal of other args for a job whose recorded steps follow from the ones that it has. */
export function fixedArgs({ id, state }: Pick<JobRecord, 'id' | 'state'>): ProtocolError {
  const message = 'The job has recorded steps, which follow from its args; the args stay, and nothing was changed.';
  return new ProtocolError('has_steps', message, { job_id: id, current_state: stateName(state) });
}

/** The refusal of a change of a job whose rows another one has. */
export function stepsMoved({ id }: Pick<JobRecord, 'id'>, { job, as }: Successor): ProtocolError {
  const what = as === 'undo' ? 'undoes them' : 'continues with them';
  const message = `The steps of job ${id} have moved to the job ${job}, which ${what}; nothing was changed.`;
  return new ProtocolError('steps_moved', message, { job_id: id, successor: job, as });
}

function readPolicy({ policy }: Marked): JobPolicy {
  return policy === null ? {} : JSON.parse(policy);
}
