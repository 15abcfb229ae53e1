import { signalOutcomes } from '../../durable/signal.ts';
import { keptSeconds } from '../members.ts';
import { Type } from '../type.ts';
import * as t from './parts.ts';
import { claimedSteps, unread, waits } from './steps.ts';

export const JobError = t.named('JobError', {
  ...t.each(t.text(), 'code', 'type', 'message'),
  attempt: t.count(),
  occurred_at: t.time(),
  timestamp: t.maybe(t.time()),
  retryable: t.maybe(t.flag()),
  details: t.maybe(t.json()),
  backtrace: t.maybe(t.list(t.text())),
});

const progress = {
  progress: t.orNull(t.number('From 0 to 1.')),
  percentage: t.orNull(t.number()),
  message: t.orNull(t.text()),
  data: t.json(),
  updated_at: t.orNull(t.time()),
};

export const jobMembers = {
  ...t.each(t.text(), 'specversion', 'id', 'type', 'queue'),
  args: t.list(t.json(), { description: 'Empty for callers who may not see them.' }),
  meta: t.mapOf(t.json()),
  state: t.JobState,
  priority: Type.Integer(),
  ...t.each(t.count(), 'attempt', 'max_attempts', 'timeout_ms'),
  // These are kept as sent.
  ...t.each(t.maybe(t.number()), ...(Object.keys(keptSeconds) as (keyof typeof keptSeconds)[])),
  ...t.each(t.maybe(t.number()), 'timeout', 'result_ttl', 'result_size_limit', 'visibility_timeout_ms'),
  visibility_timeout: t.maybe(Type.Union([t.number(), t.text()])),
  ...t.each(t.maybe(t.mapOf(t.json())), 'retry', 'unique'),
  tags: t.maybe(t.list(t.text())),
  schema: t.maybe(t.text()),
  ...t.each(t.maybe(t.json()), 'rate_limit', 'version', 'parent_id', 'root_id'),
  // Only steps of a workflow have these.
  workflow_id: t.maybe(t.text()),
  parent_results: t.maybe(t.json()),
  x_parent_results_from: t.maybe(t.count()),
  x_parent_results_left_out: t.maybe(t.json()),
  created_at: t.time(),
  ...t.each(t.maybe(t.time()), 'scheduled_at', 'expires_at', 'enqueued_at', 'activated_at', 'started_at'),
  ...t.each(t.maybe(t.time()), 'completed_at', 'cancelled_at', 'discarded_at', 'next_attempt_at', 'next_retry_at'),
  retry_delay_ms: t.maybe(t.count()),
  worker_id: t.maybe(t.text()),
  result: t.maybe(t.json()),
  error: t.maybe(JobError),
  errors: t.maybe(t.list(JobError)),
  x_progress: t.maybe(t.object(progress)),
  x_wait: t.maybe(waits),
  x_successor: t.maybe(t.object({ job_id: t.text(), as: t.oneOf(['undo', 'rerun']) })),
};

/** The envelope of a job. Members that the protocol does not have are there too, unchanged. */
export const Job = t.open('Job', jobMembers);
export type ListedJob = t.Of<typeof Job>;
export const ClaimedJob = t.open('ClaimedJob', {
  ...jobMembers,
  x_lease: t.text('Proves that an ack, a nack or a report is from this execution.'),
  checkpoint: t.maybe(t.object({ state: t.json(), sequence: t.count() })),
  last_checkpoint: t.maybe(t.json()),
  x_steps: t.maybe(claimedSteps),
  x_alone_ms: t.maybe(t.count('Run no other job beside it for this long: workers have died under it.')),
});
export const replacement = {
  deduplicated: t.maybe(t.yes('A job with the same unique key is there already.')),
  updated: t.maybe(t.yes('The unique policy has changed that job.')),
  replaced: t.maybe(t.list(t.text(), { description: 'Jobs that the unique policy has cancelled.' })),
};
const EnqueuedJob = t.open('EnqueuedJob', { ...jobMembers, ...replacement });
const ChangedJob = t.open('ChangedJob', {
  ...jobMembers,
  previous_state: t.JobState,
  re_enqueued_at: t.maybe(t.time()),
});

export const head = { id: t.text(), type: t.text(), queue: t.text(), state: t.JobState };
const enqueued = t.answer({ job: Job, ...head, ...replacement });
export const changed = t.answer({ job: ChangedJob, ...head });
export const jobList = { total: t.count(), pagination: t.Page, search: t.maybe(t.Search) };

const Reason = t.named('Reason', {
  code: t.text(),
  message: t.text(),
  since: t.maybe(t.time()),
  until: t.maybe(t.time('When the reason ends by itself, as far as that is known.')),
  jobs: t.maybe(t.list(t.object({ id: t.text(), worker_id: t.orNull(t.text()), since: t.orNull(t.time()) }))),
  workers: t.maybe(
    t.list(
      t.object({
        id: t.text(),
        status: t.oneOf(['live', 'quiet', 'terminating', 'dead', 'unknown']),
        held: t.orNull(t.count('Jobs in its last heartbeat, with those that it has fetched ahead.')),
        slots: t.orNull(t.count('Jobs that it runs at once.')),
        last_seen_at: t.orNull(t.time()),
      }),
    ),
  ),
  keys: t.maybe(t.list(t.text(), { description: 'Keys of limits; queue:NAME is the limit of a queue.' })),
  queues: t.maybe(t.list(t.object({ name: t.text(), available: t.count() }))),
  steps: t.maybe(t.list(t.object({ id: t.text(), state: t.text(), job_id: t.orNull(t.text()) }))),
  before: t.maybe(t.count('Available jobs that start first.')),
  partial: t.maybe(t.yes('There are more than the lists have.')),
  remedy: t.maybe(t.text('The action that an operator can take.')),
});
export type Reason = t.Of<typeof Reason>;

const Explanation = t.answer({
  ...t.each(t.maybe(t.text()), 'job_id', 'workflow_id', 'step'),
  state: t.text(),
  checked_at: t.time(),
  verdict: t.text('The state and all reasons in one sentence.'),
  reasons: t.list(Reason),
  next_start_at: t.orNull(t.time('The earliest start, if it is known.')),
});

const HistoryEvent = t.named('HistoryEvent', {
  ...t.each(t.text(), 'id', 'job_id', 'event_type'),
  timestamp: t.time(),
  actor: t.maybe(t.object({ type: t.oneOf(['worker', 'client', 'system', 'user']), id: t.maybe(t.text()) })),
  data: t.object({
    ...t.each(t.maybe(t.JobState), 'state', 'from', 'to'),
    ...t.each(t.maybe(t.text()), 'queue', 'type', 'reason', 'worker_id', 'error', 'error_type', 'error_code'),
    last_error: t.maybe(t.text()),
    ...t.each(t.maybe(t.count()), 'args_size_bytes', 'attempt', 'duration_ms', 'total_attempts'),
    will_retry: t.maybe(t.flag()),
  }),
  metadata: t.maybe(t.object({ reconstructed: t.yes('The time follows from the events around it.') })),
});
export type HistoryEvent = t.Of<typeof HistoryEvent>;

const reported = { job_id: t.text(), state: t.JobState, attempt: t.count(), ...progress };
const report = t.answer({
  ...reported,
  accepted: t.flag('False for a report of an execution that is over.'),
  checkpoint_sequence: t.maybe(t.count()),
});

const outcome = {
  job_id: t.text(),
  state: t.JobState,
  result: t.json(),
  pruned: t.maybe(t.yes('The result is no longer kept.')),
  error: t.maybe(JobError),
  result_stored_at: t.maybe(t.time()),
  result_expires_at: t.maybe(t.orNull(t.time())),
  result_size_bytes: t.maybe(t.count()),
};

const saved = { job_id: t.text(), state: t.json(), sequence: t.count(), created_at: t.time() };
const checkpoint = t.answer({ checkpoint: t.object(saved), ...saved });

const ends = ['enqueued_at', 'started_at', 'scheduled_at', 'completed_at', 'cancelled_at', 'discarded_at'] as const;
export const summary = { ...head, priority: Type.Integer() };
const JobSummary = t.named('JobSummary', {
  ...summary,
  attempt: t.count(),
  created_at: t.time(),
  ...t.each(t.maybe(t.time()), ...ends),
});

export const jobAnswers = {
  'job.enqueue': enqueued,
  'job.enqueueBatch': t.answer({
    jobs: t.list(EnqueuedJob),
    created: t.maybe(t.count('Jobs that a short answer leaves out, because they are as they were sent.')),
    created_at: t.maybe(t.time()),
    ...t.each(t.count(), 'count', 'enqueued', 'failed'),
  }),
  'job.list': t.answer({ jobs: t.list(Job), ...jobList }),
  'job.get': t.answer({ job: Job, ...head }),
  'job.cancel': changed,
  'job.retry': changed,
  'job.discard': changed,
  'job.rerun': enqueued,
  'job.undo': enqueued,
  'job.edit': changed,
  'job.explain': Explanation,
  'job.history': t.answer({ events: t.list(HistoryEvent), next_cursor: t.orNull(t.text()), total: t.count() }),
  'job.purgeHistory': t.answer({ deleted: t.flag(), events_deleted: t.count() }),
  'job.activate': changed,
  'job.progress': t.answer(reported),
  'job.reportProgress': report,
  'worker.progress': report,
  'job.result': t.answer(outcome),
  'job.results': t.answer({ results: t.mapOf(t.orNull(t.object(outcome))) }),
  'job.checkpoint': checkpoint,
  'job.saveCheckpoint': checkpoint,
  'job.deleteCheckpoint': t.answer({ deleted: t.yes(), job_id: t.text() }),
  'admin.jobs': t.answer({ items: t.list(JobSummary), ...jobList }),
  'admin.deadLetters': t.answer({ items: t.list(JobSummary), ...jobList }),
  'admin.job': t.answer({
    ...jobMembers,
    result: t.json(),
    errors: t.list(JobError),
    error_fingerprint: t.orNull(t.text()),
    has_checkpoint: t.flag(),
    retry_policy: t.object({
      max_attempts: t.count(),
      initial_interval: t.duration(),
      backoff_coefficient: t.number(),
      max_interval: t.duration(),
      jitter: t.flag(),
      non_retryable_errors: t.list(t.text()),
      on_exhaustion: t.oneOf(['discard', 'dead_letter']),
      backoff_strategy: t.text(),
    }),
    metadata: t.object({ created_at: t.time(), ...t.each(t.orNull(t.time()), ...ends) }),
  }),
};

const TokenMailbox = t.named('TokenMailbox', {
  token: t.text(),
  ...unread,
  job_id: t.maybe(t.text('The job that waits for the token.')),
  step: t.maybe(t.text('The step of this job that waits.')),
});
export type TokenMailbox = t.Of<typeof TokenMailbox>;

export const signalAnswers = {
  'signal.send': t.answer({
    signals: t.list(
      t.object({
        status: t.count('200; 404 for no such job, 409 if it has ended, 413 or 429.'),
        id: t.text(),
        outcome: t.maybe(t.oneOf(signalOutcomes)),
        job_id: t.maybe(t.text('The job that waits, or whose mailbox it is.')),
        error: t.maybe(t.ErrorBody),
      }),
    ),
  }),
  'signal.list': t.answer({ mailboxes: t.list(TokenMailbox), pagination: t.Cursor }),
  'job.wake': changed,
};
