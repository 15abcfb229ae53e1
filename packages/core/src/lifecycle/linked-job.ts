import { type ReadEnvelope, readEnvelope } from '../envelope/envelope.ts';
import { ProtocolError } from '../errors.ts';
import type { JobId, JobRecord, Json } from '../job/job.ts';
import { State, stateName, Terminal } from '../job/states.ts';
import { objectText } from '../json/json.ts';
import { undoSuffix } from '../names.ts';
import type { Millis } from '../time/clock.ts';
import { readTime } from '../time/timestamp.ts';
import { isIn } from './change.ts';
import { changedRequest, type JobChanges, merged } from './job-changes.ts';

/** The members of `meta` in which a job names the one that it runs again, or whose steps it undoes. */
export const rerunOfName = 'ojs.rerun_of';
export const undoOfName = 'ojs.undo_of';
/** An undo is tried as often as the steps of a saga deserve, then a person looks at it in the dead letter. */
const undoRetry: Json = '{"max_attempts":10,"on_exhaustion":"dead_letter"}';

/** The moments from which the times of a rerun count: see {@link readEnvelope}. */
export interface RerunTimes {
  readonly now: Millis;
  /** The moment from which relative times count; by default `now`. */
  readonly latest?: Millis;
}

/**
 * A new job that does the work of an ended one again, and names that one in its meta. Core forbids that a completed or
 * cancelled job runs again (ojs-core §6.3). The new job is checked and admitted as any other. It belongs to no workflow
 * and to no cron, and starts at once unless the changes have a time. Its unique policy counts unfinished jobs only, or
 * the old job would be in its way.
 * @param newId creates the id of the new job.
 * @param id the JSON text of the id that the caller wants; null counts as absent.
 * @throws ProtocolError `conflict` for a job that has not ended; what `readEnvelope` throws for wrong changes.
 */
export function rerunOf(
  job: JobRecord,
  changes: JobChanges,
  { now, latest = now }: RerunTimes,
  newId: () => JobId,
  id?: Json,
): ReadEnvelope {
  if (!isIn(job.state, Terminal)) throw notEnded(job);
  const request = changedRequest(job, changes);
  request.set('id', id ?? 'null');
  if (changes.scheduled_at === undefined && changes.delay_until === undefined) request.delete('scheduled_at');
  if (hasPassed(request.get('expires_at'), now)) request.delete('expires_at');
  link(request, rerunOfName, job);
  const read = readEnvelope(objectText(request), now, newId, { latest });
  const { unique } = read.job;
  return unique === null
    ? read
    : { ...read, job: { ...read.job, unique: { ...unique, states: unique.states & ~Terminal } } };
}

/**
 * A job that undoes the steps of an ended one: in its queue, with its args, priority and meta, and without what could
 * refuse or end it.
 */
export function undoOf(job: JobRecord, changes: JobChanges, { now }: RerunTimes, newId: () => JobId): ReadEnvelope {
  const request = changedRequest(job, changes);
  for (const name of ofTheJob) request.delete(name);
  request.set('type', JSON.stringify(job.type.endsWith(undoSuffix) ? job.type : job.type + undoSuffix));
  request.set('retry', undoRetry);
  link(request, undoOfName, job);
  return readEnvelope(objectText(request), now, newId, {});
}

/** Members that do not hold for the undo of a job. */
const ofTheJob = [
  ...['id', 'unique', 'rate_limit', 'schema', 'scheduled_at', 'expires_at', 'enqueue_ttl', 'total_timeout'],
  ...['retry_policy', 'max_attempts', 'pending', 'result_ttl', 'result_size_limit'],
];

function link(request: Map<string, Json>, name: string, { id }: JobRecord): void {
  const meta = request.get('meta') ?? '{}';
  if (meta.startsWith('{')) request.set('meta', merged(meta, JSON.stringify({ [name]: id })));
}

/** A relative time counts from the rerun. */
function hasPassed(text: string | undefined, now: Millis): boolean {
  if (text === undefined) return false;
  const sent: unknown = JSON.parse(text);
  const at = typeof sent === 'string' ? readTime(sent, now) : null;
  return at !== null && at <= now;
}

function notEnded({ id, state }: JobRecord): ProtocolError {
  const current = stateName(state);
  const message = `The job is ${current}; only a job that has ended runs again as a new one.`;
  const hint =
    state === State.active
      ? 'Cancel the job or wait for its end.'
      : 'The job will still run: change it with ojs jobs edit or PATCH /ojs/v1/admin/jobs/:id, or cancel it first.';
  const details = { job_id: id, current_state: current, expected_state: 'completed or cancelled or discarded' };
  return new ProtocolError('conflict', message, details, hint);
}
