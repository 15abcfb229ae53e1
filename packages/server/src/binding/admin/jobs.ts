import { formatDuration, formatTimestamp, members, objectText } from '@ojs-ts/core';
import {
  checkpointOf,
  errorFingerprint,
  type JobRecord,
  type Json,
  renderJob,
  State,
  stateName,
  Terminal,
} from '@ojs-ts/core/job';
import { missingJob, policyOf, retryPolicy } from '@ojs-ts/core/lifecycle';
import { type JobList, readAdminPage, readDeadLetterList, readJobList } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import type { BindingRequest } from '../handler.ts';
import { jobsReply } from '../pieces.ts';
import { ok, type Reply } from '../reply.ts';

type Engine = Parts<'answers' | 'clock' | 'jobs' | 'memory' | 'parents' | 'queues' | 'searches' | 'storage'>;

/** GET /admin/jobs (ojs-admin-api §7.1). */
export async function listJobs(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { query, access } = request;
  const list = readJobList(query, engine.clock.now());
  const queue = query.queue ?? list.filter.queue;
  access?.chosen(queue === undefined ? [] : [queue]);
  return reply(engine, request, list);
}

/** GET /admin/dead-letter (ojs-admin-api §11.1). */
export async function listDeadLetters(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { query, access } = request;
  access?.chosen(query.queue === undefined ? [] : [query.queue]);
  return reply(engine, request, readDeadLetterList(query, engine.clock.now()));
}

async function reply(engine: Engine, request: BindingRequest, list: JobList): Promise<Reply> {
  const { order } = list;
  const { query } = request;
  const answer = await jobsReply(engine, request, { ...list, page: readAdminPage(query), render: summary }, 'items');
  const isNamed = Boolean(query.sort || query.order);
  if (!isNamed || order.by !== 'created' || (list.filter.states & Terminal) === 0) return answer;
  const end = order.direction === 'desc' ? 'after' : 'before';
  const message = `Jobs that have ended come ${end} the others, by the time of their end.`;
  return { ...answer, warnings: [{ path: 'query.sort', message, suggestion: null }] };
}

/** GET /admin/jobs/:id (ojs-admin-api §7.2): the whole envelope at the top level, and values derived from it. */
export async function showJob(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const job = await engine.jobs.get(id);
  if (job === null) throw missingJob(id);
  const fields = new Map<string, Json>([
    ['errors', '[]'],
    ['result', 'null'],
    ['error_fingerprint', JSON.stringify(errorFingerprint(job))],
    ['has_checkpoint', String(checkpointOf(job) !== null)],
  ]);
  for (const [name, text] of members(renderJob(await engine.parents.of(job), { now: engine.clock.now() })))
    fields.set(name, text);
  fields.set('retry_policy', renderPolicy(job));
  fields.set('metadata', JSON.stringify(timesOf(job)));
  return ok(objectText(fields));
}

/** The policy that holds for the job, with the defaults of what it leaves out. */
function renderPolicy(job: JobRecord): Json {
  const policy = retryPolicy(policyOf(job).retry);
  const { maxAttempts, initialIntervalMs, backoffCoefficient, maxIntervalMs, jitter, ...rest } = policy;
  return JSON.stringify({
    max_attempts: maxAttempts,
    initial_interval: formatDuration(initialIntervalMs),
    backoff_coefficient: backoffCoefficient,
    max_interval: formatDuration(maxIntervalMs),
    jitter,
    non_retryable_errors: rest.nonRetryableErrors,
    on_exhaustion: rest.onExhaustion,
    backoff_strategy: rest.backoffStrategy,
  });
}

function summary(job: JobRecord): Json {
  const { id, type, queue, state, priority, attempt } = job;
  const times = Object.entries(timesOf(job)).filter(([, at]) => at !== null);
  return JSON.stringify({
    id,
    type,
    queue,
    state: stateName(state),
    priority,
    attempt,
    ...Object.fromEntries(times),
  });
}

/** `scheduled_at` is the time that a job waits for. */
function timesOf({ state, createdAt, enqueuedAt, startedAt, runAt, finishedAt }: JobRecord) {
  const time = (at: number | null) => (at === null ? null : formatTimestamp(at));
  const ended = (which: State) => (state === which ? time(finishedAt) : null);
  const waits = state === State.scheduled || state === State.retryable;
  return {
    created_at: time(createdAt),
    enqueued_at: time(enqueuedAt),
    started_at: time(startedAt),
    scheduled_at: waits ? time(runAt) : null,
    completed_at: ended(State.completed),
    cancelled_at: ended(State.cancelled),
    discarded_at: ended(State.discarded),
  };
}
