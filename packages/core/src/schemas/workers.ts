import { stepLimits } from '../durable/row.ts';
import type { workerOperations } from '../operations/workers.ts';
import { optional, progressMembers } from './members.ts';
import { force, page } from './parameters.ts';
import type { Requests } from './request.ts';
import { stepRows, suspensionMembers } from './steps.ts';
import { Type } from './type.ts';

const worker = (description = 'Name of the worker, the same for all its calls.') =>
  Type.String({ minLength: 1, maxLength: 255, description });
const secret = () => Type.String({ description: 'Of the first call of the worker; needed afterwards in its name.' });
const lease = () => Type.String({ description: 'The `x_lease` of the fetched job.' });
const visibility = () => Type.Integer({ minimum: 1, maximum: 86_400_000, description: 'Length of the lease in ms.' });

const fetchMembers = () => ({
  queues: Type.Array(Type.String(), { minItems: 1, maxItems: 100, description: 'In this order.' }),
  ...optional({
    count: Type.Integer({ minimum: 1, description: 'Jobs at most, 1 by default.' }),
    visibility_timeout_ms: visibility(),
    leases: Type.Boolean({ description: 'Whether these claims take only calls with their lease.' }),
    request_id: Type.String({ maxLength: 128, description: 'A repeated fetch gets the jobs of the first one.' }),
    wait_ms: Type.Integer({ minimum: 0, description: 'How long to wait for a job.' }),
    steps: Type.Boolean({ description: 'Whether the worker has durable steps: without, it gets no job with rows.' }),
  }),
});

const beatMembers = () =>
  optional({
    active_jobs: Type.Union([Type.Array(Type.String()), Type.Number()], {
      description: 'Ids of its jobs, or a count.',
    }),
    active_job_ids: Type.Array(Type.String(), { description: 'Ids of its jobs, beside a count.' }),
    job_id: Type.String({ description: 'The id of its only job.' }),
    leases: Type.Record(Type.String(), { description: 'The lease of each of its jobs by job id.' }),
    open_fetches: Type.Array(Type.String(), { description: 'The `request_id` of each fetch without an answer.' }),
    last_server_time: Type.String({ description: 'The `server_time` of the last answered heartbeat.' }),
    visibility_timeout_ms: visibility(),
    state: Type.String({ description: '`running`, `quiet` or `terminate`.' }),
    hostname: Type.Unknown(),
    pid: Type.Unknown(),
    queues: Type.Unknown({ description: 'The queues that it fetches from.' }),
    concurrency: Type.Unknown({ description: 'Jobs that it runs at once.' }),
    labels: Type.Unknown(),
    started_at: Type.Unknown(),
    version: Type.Unknown(),
    load: Type.Object(
      optional({ rss_bytes: Type.Number(), heap_used_bytes: Type.Number(), event_loop_lag_ms: Type.Number() }),
      { description: 'What it uses of its machine.' },
    ),
  });

const ownerMembers = () => optional({ worker_id: worker(), x_lease: lease() });
const ackMembers = () => ({
  job_id: Type.String(),
  ...optional({ result: Type.Unknown({ description: 'The result of the job, any JSON.' }) }),
  ...ownerMembers(),
});
const nackMembers = () => ({
  job_id: Type.String(),
  ...optional({
    error: Type.Object(
      {
        message: Type.String(),
        ...optional({
          code: Type.String(),
          type: Type.String(),
          response_code: Type.Enum(['RETRY', 'DISCARD', 'DEAD_LETTER', 'FAIL'], {
            description: 'Decides, not the policy.',
          }),
          retryable: Type.Boolean({ description: 'False discards the job.' }),
          details: Type.Unknown(),
          backtrace: Type.Union([Type.Array(Type.String()), Type.String()], { description: 'Frames, or lines.' }),
        }),
      },
      { description: 'Required unless `requeue` is true.' },
    ),
    requeue: Type.Boolean({ description: 'Whether the job returns to its queue without a failed attempt.' }),
    delay_ms: Type.Integer({ minimum: 0, description: 'With `requeue`: how long the job waits.' }),
  }),
  ...suspensionMembers(),
  ...ownerMembers(),
});
const inNameOf = () => ({ worker_id: worker(), ...optional({ worker_secret: secret() }) });

export const workerRequests = {
  'worker.steps': {
    summary: 'Record outcomes of durable steps',
    body: {
      unknown: 'refuse',
      schema: () =>
        Type.Object({
          ...inNameOf(),
          items: Type.Array(Type.Object({ job_id: Type.String(), x_lease: lease(), steps: stepRows() }), {
            minItems: 1,
            maxItems: stepLimits.items,
          }),
        }),
    },
  },
  'worker.progress': {
    summary: 'Report progress, with the job in the body',
    body: { schema: () => Type.Object({ job_id: Type.String(), ...progressMembers() }) },
  },
  'worker.fetch': {
    summary: 'Claim jobs',
    body: {
      schema: () => Type.Object({ ...fetchMembers(), ...optional({ worker_id: worker(), worker_secret: secret() }) }),
    },
  },
  'worker.ack': { summary: 'Complete a job', body: { schema: () => Type.Object(ackMembers()) } },
  'worker.nack': { summary: 'Report that a job failed', body: { schema: () => Type.Object(nackMembers()) } },
  'worker.heartbeat': {
    summary: 'Keep the jobs of a worker',
    body: { schema: () => Type.Object({ ...inNameOf(), ...beatMembers() }) },
  },
  'worker.exchange': {
    summary: 'Heartbeat, acks and fetch in one request',
    body: {
      schema: () =>
        Type.Object({
          ...inNameOf(),
          ...optional({
            acks: Type.Array(Type.Object(ackMembers())),
            nacks: Type.Array(Type.Object(nackMembers())),
            return: Type.String({ description: '`minimal` shortens the outcomes.' }),
            beat: Type.Object(beatMembers()),
            fetch: Type.Object(fetchMembers()),
          }),
        }),
    },
  },
  'worker.register': {
    summary: 'Register a worker',
    body: { schema: () => Type.Object({ ...inNameOf(), ...beatMembers() }) },
  },
  'worker.deregister': {
    summary: 'Deregister a worker; its jobs return to their queues',
    body: { schema: () => Type.Object(inNameOf()) },
  },
  'worker.remove': {
    summary: 'Remove a stale worker; its jobs return to their queues',
    audit: 'worker.removed',
    query: force,
  },
  'worker.get': { summary: 'One worker with the jobs that it runs' },
  'worker.quiet': { summary: 'Make a worker fetch no more jobs', audit: 'worker.directed' },
  'worker.resume': { summary: 'Make a worker fetch again', audit: 'worker.directed' },
  'worker.stop': { summary: 'Make a worker finish its jobs and stop', audit: 'worker.directed' },
  'worker.direct': {
    summary: 'Direct several workers',
    audit: 'worker.directed',
    body: {
      unknown: 'refuse',
      schema: () =>
        Type.Object({
          directive: Type.Enum(['running', 'resume', 'quiet', 'terminate', 'stop']),
          ...optional({ worker_id: worker(), worker_ids: Type.Array(Type.String(), { maxItems: 1_000 }) }),
        }),
    },
  },
  'worker.health': { summary: 'State, jobs and last heartbeat of a worker' },
  'worker.list': { summary: 'All workers, in pages', query: page },
} as const satisfies Requests<keyof typeof workerOperations>;
