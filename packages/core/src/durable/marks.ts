import { ProtocolError } from '../errors.ts';
import type { JobPolicy, JobRecord, Json } from '../job/job.ts';
import { State, stateName } from '../job/states.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import type { StepsMark, StepWait } from './mark.ts';
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

/** The member of a manual retry: a new round of attempts, of which none is forgiven yet. */
export function restarted(job: Marked): { readonly policy?: Json } {
  const mark = markOf(job);
  if (mark === null) return {};
  const { suspended: _, past: __, ...kept } = mark;
  return { policy: withMark(job, kept) };
}

/** The refusal of other args for a job whose recorded steps follow from the ones that it has. */
export function fixedArgs({ id, state }: Pick<JobRecord, 'id' | 'state'>): ProtocolError {
  const message = 'The job has recorded steps, which follow from its args; the args stay, and nothing was changed.';
  return new ProtocolError('has_steps', message, { job_id: id, current_state: stateName(state) });
}

function readPolicy({ policy }: Marked): JobPolicy {
  return policy === null ? {} : JSON.parse(policy);
}
