import { Type } from '../type.ts';
import { ClaimedJob } from './jobs.ts';
import * as t from './parts.ts';

const directives = ['running', 'quiet', 'terminate'] as const;
const Directive = t.oneOf(directives);

const settled = { id: t.text(), job_id: t.text(), state: t.JobState };
const ended = { acknowledged: t.yes(), ...settled, completed_at: t.time() };
const refused = {
  ...settled,
  attempt: t.count(),
  max_attempts: t.count(),
  next_attempt_at: t.maybe(t.time()),
  next_retry_at: t.maybe(t.time()),
  retry_delay_ms: t.maybe(t.count()),
  discarded_at: t.maybe(t.time()),
  completed_at: t.maybe(t.time()),
};
const job = t.object({ id: t.text(), state: t.JobState });
const status = t.count('The status that the same call has by itself.');
const Fault = t.named('SettlementFault', { status, job_id: t.orNull(t.text()), error: t.ErrorBody });

const beat = {
  acknowledged: t.yes(),
  state: Directive,
  directive: t.text('What an operator has ordered; empty without an order.'),
  jobs_extended: t.list(t.text()),
  jobs_cancelled: t.list(t.text(), { description: 'Jobs of the heartbeat that the worker no longer owns.' }),
  server_time: t.time(),
};

const worker = {
  id: t.text(),
  state: t.oneOf([...directives, 'stale']),
  directive: t.maybe(Directive),
  active_jobs: t.count(),
  last_heartbeat_at: t.orNull(t.time('Null for a worker that only fetches.')),
  last_fetch_at: t.maybe(t.time()),
  ...t.each(t.maybe(t.json()), 'hostname', 'pid', 'queues', 'concurrency', 'labels', 'started_at', 'version'),
  reported_state: t.maybe(t.json()),
  load: t.maybe(
    t.object({
      ...t.each(t.maybe(t.number()), 'rss_bytes', 'heap_used_bytes', 'event_loop_lag_ms'),
    }),
  ),
};
const Worker = Type.Object(worker, { title: 'Worker', description: 'The worker describes itself with any JSON.' });
export type Worker = t.Of<typeof Worker>;
export type WorkerState = Worker['state'];
export const workerSummary = t.object({
  ...t.each(t.count(), 'total', 'running', 'quiet', 'terminate', 'stale'),
});

const directed = t.answer({ ok: t.yes(), id: t.text(), worker_id: t.text(), directive: Directive });
const removed = t.answer({ ok: t.yes(), worker_id: t.text(), deregistered: t.yes() });

export const workerAnswers = {
  'worker.fetch': t.answer({ jobs: t.list(ClaimedJob) }),
  'worker.ack': t.answer({ ...ended, job }),
  'worker.nack': t.answer({ ...refused, job }),
  'worker.heartbeat': t.answer(beat),
  'worker.exchange': t.answer({
    acks: t.list(
      Type.Union([
        Type.Literal(200, { description: 'A completion, for a request with "return":"minimal".' }),
        t.object({ status, ...ended }),
        Fault,
      ]),
    ),
    nacks: t.list(Type.Union([t.object({ status, ...refused }), Fault])),
    beat: t.maybe(t.object(beat)),
    jobs: t.list(ClaimedJob),
  }),
  'worker.register': t.answer({
    ok: t.yes(),
    worker_id: t.text(),
    server_time: t.time(),
    heartbeat_interval: t.count('Seconds, as are the next two.'),
    heartbeat_timeout: t.count(),
    visibility_timeout_default: t.count(),
  }),
  'worker.deregister': removed,
  'worker.remove': removed,
  'worker.get': t.answer({
    ...worker,
    jobs: t.list(
      t.object({ id: t.text(), type: t.text(), queue: t.text(), attempt: t.count(), started_at: t.orNull(t.time()) }),
    ),
  }),
  'worker.quiet': directed,
  'worker.resume': directed,
  'worker.stop': directed,
  'worker.direct': t.answer({
    directive: Directive,
    ...t.each(t.count(), 'matched', 'succeeded', 'failed'),
    errors: t.list(t.object({ worker_id: t.text(), error: t.text(), code: t.text() })),
  }),
  'worker.health': t.answer({
    worker_id: t.text(),
    status: t.oneOf(['ok', 'unhealthy', 'unknown']),
    state: t.text(),
    last_heartbeat_at: t.orNull(t.time()),
    last_fetch_at: t.maybe(t.time()),
  }),
  'worker.list': t.answer({ items: t.list(Worker), summary: workerSummary, pagination: t.Page }),
};
