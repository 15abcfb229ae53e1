import { ReadyQueue } from '../../../../packages/core/src/memory/ready-queue.ts';
import * as heartbeat from '../../../../packages/server/src/binding/workers/heartbeat.ts';
import { Settlements } from '../../../../packages/server/src/engine/jobs/settlement.ts';
import { Presence } from '../../../../packages/server/src/engine/workers/presence.ts';
import { WorkerProtocol } from '../../../../packages/server/src/engine/workers/worker-protocol.ts';
import type { CaseBugs } from '../bugs.ts';
import { answers, answerTexts, bodies, without } from '../changes.ts';
import * as core from '../core.ts';
import { on, type Plant, set, stored } from '../plant.ts';

const { State } = core;

/** Changes what a worker reports of a failed execution. */
function failure(change: (failure: core.Failure) => core.Failure): Plant {
  return on(core, 'failed', (next, job, reported, ...rest) => next(job, change(reported), ...rest));
}

/** Changes the policy and the attempt from which a backoff is computed. */
function backoff(change: (policy: core.RetryPolicy, attempt: number) => readonly [core.RetryPolicy, number]): Plant {
  return on(core, 'retryDelay', (next, policy, attempt, random) => next(...change(policy, attempt), random));
}

/** Changes the job that a claim starts. */
function claimed(change: (job: core.JobRecord, before: core.JobRecord) => Partial<core.JobRecord>): Plant {
  return on(core, 'claimed', (next, job, ...rest) => {
    const after = next(job, ...rest);
    return { ...after, ...change(after, job) };
  });
}

/** Changes the text of a job in an answer. */
function rendered(change: (text: string, job: core.JobRecord) => string): Plant {
  return on(core, 'renderJob', (next, job, options) => change(next(job, options), job));
}

/** Changes the retry policy that a request has. */
function retry(change: (value: Readonly<Record<string, unknown>>) => object): Plant {
  return on(core, 'readRetry', (next, value, path) => next(core.isObject(value) ? change(value) : value, path));
}

let reads = 0;

export const queuesRightToLeft: Plant = stored('jobs', 'claim', (next, claims, ...rest) =>
  next(
    claims.map((claim) => ({ ...claim, queues: claim.queues.toReversed() })),
    ...rest,
  ),
);

/** Workers, leases, retries, the states of a job, fetches and settlements. */
export const jobs: CaseBugs = {
  'beat-extends-nothing': [
    'OJS-L1-HBT-003 OJS-L1-HBT-004',
    on(core, 'extended', (_, job, _ms, now) => job.leaseUntil ?? now),
  ],
  'array-dialect-unknown': [
    'OJS-L1-HBT-002 OJS-L1-HBT-006 OJS-L1-HBT-007',
    on(heartbeat, 'readBeat', (next, issued, fields, worker) => {
      const beat = next(issued, fields, worker);
      return Array.isArray(fields.raw('active_jobs')) ? { ...beat, holds: [] } : beat;
    }),
  ],
  'cancelled-omitted': [
    'OJS-L1-HBT-006',
    on(heartbeat, 'replyToBeat', async (next, ...args) =>
      (await next(...args)).replace(/"jobs_cancelled":\[.*?\]/, '"jobs_cancelled":[]'),
    ),
  ],
  'directive-lost': [
    'OJS-L1-HBT-007',
    on(heartbeat, 'replyToBeat', (next, engine, beat, secret) => next(engine, beat, secret, false)),
  ],
  'own-state-lost': [
    'OJS-L1-HBT-008',
    on(heartbeat, 'readBeat', (next, ...args) => ({ ...next(...args), state: 'running' })),
  ],
  'beat-without-server-time': [
    'OJS-L1-HBT-001',
    on(heartbeat, 'replyToBeat', async (next, ...args) => (await next(...args)).replace('"server_time"', '"x"')),
  ],
  'no-ownership': [
    'OJS-L1-EXC-004 OJS-L1-OWN-001',
    on(core, 'readOwner', (next, ...args) => ({ ...next(...args), worker: null })),
  ],
  'no-fence': [
    'OJS-L1-OWN-003 OJS-L1-OWN-004',
    on(core, 'readOwner', (next, ...args) => ({ ...next(...args), claim: null })),
  ],
  'guessed-lease-taken': [
    'OJS-L1-OWN-005',
    on(core.Leases.prototype, 'claimOf', (_next, _id, lease) => core.claimOf(lease) ?? core.noClaim),
  ],
  'lease-never-required': ['OJS-L1-OWN-006', claimed(() => ({ leaseRequired: false }))],
  'claim-not-raised': ['OJS-L1-OWN-002', claimed((_, { claim }) => ({ claim: Math.max(1, claim) }))],
  'lost-never-discarded': [
    'OJS-L1-VIS-003',
    on(core, 'leaseLost', (next, job, ...rest) => next({ ...job, attempt: 0 }, ...rest)),
  ],
  'lost-keeps-worker': ['OJS-L1-VIS-001', on(core, 'leaseLost', (next, ...args) => without(next(...args), 'clearRun'))],
  'lease-never-ends': [
    'OJS-L1-HBT-005 OJS-L1-VIS-002 OJS-L1-VIS-004',
    on(core, 'overdueCause', (next, ...args) => {
      const cause = next(...args);
      return cause === 'lease' ? null : cause;
    }),
  ],
  'lease-of-a-second': [
    'OJS-L1-TMO-004 OJS-L1-VIS-005',
    stored('jobs', 'claim', (next, claims, ...rest) =>
      next(
        claims.map((claim) => ({ ...claim, defaultLeaseMs: 1_000 })),
        ...rest,
      ),
    ),
  ],
  'timeout-kind-lost': [
    'OJS-L1-TMO-001',
    on(core, 'errorText', (next, ...args) => next(...args).replace('"timeout_kind"', '"kind"')),
  ],
  'timeout-omitted': [
    'OJS-L1-TMO-006',
    on(core, 'eventsOf', (next, ...args) => next(...args).filter(({ kind }) => kind !== 'job.timeout')),
  ],
  'no-stall': [
    'OJS-L1-HBT-011',
    on(core, 'overdueCause', (next, ...args) => {
      const cause = next(...args);
      return cause === 'stalled' ? null : cause;
    }),
  ],
  'progress-is-no-heartbeat': [
    'OJS-L1-HBT-012',
    on(core, 'progressed', (next, ...args) => {
      const decided = next(...args);
      return decided && without(decided, 'beat');
    }),
  ],
  'progress-omitted': [
    'OJS-L1-REP-001',
    on(core, 'progressed', (next, ...args) => {
      const decided = next(...args);
      return decided && { ...decided, events: [] };
    }),
  ],
  'registration-without-numbers': [
    'OJS-L1-WRK-001',
    answerTexts(/worker.register/, (text) => text.replace('"heartbeat_interval"', '"x"')),
  ],
  'deregistered-keeps-jobs': ['OJS-L1-WRK-003', on(Settlements.prototype, 'giveBack', async () => {})],
  'worker-stops-in-silence': ['OJS-L1-WRK-002', on(Presence.prototype, 'stopped', async () => {})],
  'checkpoint-not-handed-on': ['OJS-L1-REP-002', on(core, 'renderResume', () => '')],
  'result-too-early': [
    'OJS-L1-REP-003',
    answers(/job.result$/, (reply) => (reply.status === 202 ? { ...reply, status: 200 } : reply)),
  ],
  'snooze-without-delay': [
    'OJS-L1-REP-004',
    on(core, 'requeued', (next, job, reason, now, ...rest) => ({ ...next(job, reason, now, ...rest), runAt: now })),
  ],
  'result-of-any-size': ['OJS-L1-REP-005', on(core, 'resultSizeLimit', () => null)],
  'expired-result-in-the-envelope': [
    'OJS-L1-REP-006',
    on(core, 'renderJob', (next, job, options) => next(job, { ...options, now: job.finishedAt ?? 0 })),
  ],
  // Retries
  'exponent-off-by-one': [
    'OJS-L1-RTR-001 OJS-L1-RTR-005 OJS-L1-RTR-007',
    backoff((policy, attempt) => [policy, attempt + Number(policy.backoffStrategy === 'exponential')]),
  ],
  'none-is-exponential': [
    'OJS-L1-RTR-004 OJS-L1-RTR-006',
    backoff((policy, attempt) => [
      policy.backoffStrategy === 'none' ? { ...policy, backoffStrategy: 'exponential' } : policy,
      attempt,
    ]),
  ],
  'jitter-always': [
    'OJS-L1-RTR-001 OJS-L1-RTR-002 OJS-L1-RTR-003',
    backoff((policy, attempt) => [{ ...policy, jitter: true }, attempt]),
  ],
  'five-attempts-by-default': [
    'OJS-L1-RTR-008 OJS-L1-RTR-009 OJS-L1-RTR-010',
    set(core.defaultRetry, 'maxAttempts', 5),
  ],
  'two-seconds-by-default': ['OJS-L1-RTR-009', set(core.defaultRetry, 'initialIntervalMs', 2_000)],
  'milliseconds-unknown': [
    'OJS-L1-RTR-010',
    retry((value) => ({ ...value, initial_interval_ms: null, base_delay_ms: null })),
  ],
  'coefficient-below-one': [
    'OJS-L1-RTR-011',
    retry((value) => ({ ...value, backoff_coefficient: Math.max(1, Number(value.backoff_coefficient ?? 2)) })),
  ],
  'prefix-as-substring': [
    'OJS-L1-RTR-015',
    on(core, 'isNonRetryable', (_, { nonRetryableErrors }, names) =>
      nonRetryableErrors.some((pattern) => names.some((name) => name.startsWith(pattern.replace(/\*$/, '')))),
    ),
  ],
  'prefix-without-dot': [
    'OJS-L1-RTR-016',
    on(core, 'isNonRetryable', (next, { nonRetryableErrors: all, ...policy }, names) => {
      const prefixes = all.flatMap((pattern) => (pattern.endsWith('.*') ? pattern.slice(0, -2) : []));
      const more = names.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));
      return next({ ...policy, nonRetryableErrors: [...all, ...more] }, names);
    }),
  ],
  'one-attempt-too-many': [
    'OJS-L0-SET-009 OJS-L1-RTR-012 OJS-L1-RTR-014',
    on(core, 'allowedAttempts', (next, policy) => next(policy) + 1),
  ],
  'dead-letter-never': [
    'OJS-L1-RTR-014 OJS-L1-RTR-018 OJS-L1-VIS-003',
    on(core, 'retryPolicy', (next, partial) => ({ ...next(partial), onExhaustion: 'discard' })),
  ],
  'retry-code-is-final': [
    'OJS-L1-RTR-018',
    failure((reported) => (reported.response === 'RETRY' ? { ...reported, response: 'DISCARD' } : reported)),
  ],
  'retryable-false-ignored': ['OJS-L1-RTR-017', failure((reported) => without(reported, 'retryable'))],
  'retry-at-once': ['OJS-L1-RTR-007 OJS-L1-RTR-021', on(core, 'retryDelay', () => 0)],
  'total-timeout-ignored': [
    'OJS-L1-RTR-021',
    on(core, 'policyOf', (next, job) => without(next(job), 'totalTimeoutMs')),
  ],
  'delay-forgotten': ['OJS-L0-SET-005 OJS-L1-RTR-019', rendered((text) => text.replace(/,"retry_delay_ms":\d+/, ''))],
  'backoff-ends-with-an-enqueue': ['OJS-L1-RTR-020', on(core, 'promotionEvent', () => 'job.enqueued')],
  // The states of a job
  'attempt-not-counted': ['OJS-L0-LIF-009 OJS-L0-LIF-015 OJS-L0-SET-004', claimed((_, { attempt }) => ({ attempt }))],
  'ack-from-available': [
    'OJS-L0-LIF-010 OJS-L0-SYS-007',
    on(core, 'completed', (next, ack) => ({ ...next(ack), from: State.active | State.available })),
  ],
  'ack-from-any': [
    'OJS-L0-LIF-008 OJS-L0-LIF-011 OJS-L0-SYS-007',
    on(core, 'completed', (next, ack) => ({ ...next(ack), from: core.AllStates })),
  ],
  'result-dropped': [
    'OJS-L0-LIF-001 OJS-L0-SET-002',
    on(core, 'completed', (next, ack) => ({ ...next(ack), result: null })),
  ],
  'result-null-rendered': [
    'OJS-L0-SET-003',
    rendered((text, { state, result }) =>
      state === State.completed && result === null ? `${text.slice(0, -1)},"result":null}` : text,
    ),
  ],
  'errors-dropped-on-ack': [
    'OJS-L0-SET-004',
    on(core, 'renderJob', (next, job, options) =>
      next(job.state === State.completed ? { ...job, history: '' } : job, options),
    ),
  ],
  'no-cancel-of-retryable': ['OJS-L0-LIF-007', set(core, 'Waiting', core.Waiting & ~State.retryable)],
  'expiry-sets-completed': [
    'OJS-L0-LIF-012 OJS-L0-LIF-013 OJS-L0-SET-006',
    rendered((text) =>
      text.includes(',"completed_at"')
        ? text.replace(/,"completed_at":"[^"]*"(,"discarded_at")/, '$1')
        : text.replace(/,"discarded_at":("[^"]*")/, ',"completed_at":$1$&'),
    ),
  ],
  'enqueued-at-creation': [
    'OJS-L0-ENV-018 OJS-L0-LIF-002 OJS-L0-LIF-004',
    on(core, 'recordOf', (next, job) => ({ ...next(job), enqueuedAt: job.createdAt })),
  ],
  'activation-ignores-schedule': [
    'OJS-L0-LIF-005',
    on(core, 'activated', (next, job, now, key) => next({ ...job, runAt: now }, now, key)),
  ],
  'previous-state-wrong': [
    'OJS-L0-LIF-004 OJS-L0-LIF-006 OJS-L0-LIF-007',
    on(core, 'changedReply', (next, { job }, extra) => next({ job, from: job.state }, extra)),
  ],
  'read-counts-as-attempt': [
    'OJS-L0-LIF-015',
    stored('jobs', 'get', async (next, ids) =>
      (await next(ids)).map((job) => job && { ...job, attempt: job.attempt + reads++ }),
    ),
  ],
  'expiry-omitted': [
    'OJS-L2-TTL-002',
    on(core, 'expired', (next, ...args) => {
      const decided = next(...args);
      return { ...decided, events: decided.events.map(({ kind }) => ({ kind })) };
    }),
  ],
  'pending-never-expires': [
    'OJS-L2-TTL-003 OJS-L2-TTL-005',
    stored('upkeep', 'overdue', async (next, ...args) =>
      (await next(...args)).filter(({ state }) => !core.isIn(state, State.pending | State.retryable)),
    ),
  ],
  'ttl-counts-for-retries': ['OJS-L2-TTL-006', claimed((_, { expiresAt }) => ({ expiresAt }))],
  'total-timeout-has-no-name': [
    'OJS-L2-TTL-007',
    on(core, 'expired', (next, job, now) => next({ ...job, deadlineAt: null }, now)),
  ],
  'total-timeout-spares-the-active': [
    'OJS-L2-TTL-008',
    on(core, 'overdue', (next, job, now, ...rest) =>
      core.overdueCause(job, now) === 'total' ? null : next(job, now, ...rest),
    ),
  ],
  // Fetches
  'queues-right-to-left': ['OJS-L0-FET-004', queuesRightToLeft],
  'ten-by-default': [
    'OJS-L0-FET-002 OJS-L0-FET-004 OJS-L0-FET-005',
    bodies(/worker.fetch/, (body) => ({ count: 10, ...body })),
  ],
  'blocks-by-default': ['OJS-L0-FET-001', bodies(/worker.fetch/, (body) => ({ wait_ms: 2_000, ...body }))],
  'never-waits': [
    'OJS-L0-FET-009 OJS-L0-FET-010',
    on(WorkerProtocol.prototype, 'fetch', (next, request, signal) => next({ ...request, waitMs: 0 }, signal)),
  ],
  'request-id-forgotten': [
    'OJS-L0-FET-008 OJS-L1-EXC-003',
    stored('jobs', 'claim', (next, claims, ...rest) =>
      next(
        claims.map((claim) => ({ ...claim, request: null })),
        ...rest,
      ),
    ),
  ],
  'claimed-twice': ['OJS-L0-FET-003 OJS-L0-FET-011', claimed(() => ({ state: State.available }))],
  'no-lease': [
    'OJS-L0-FET-007 OJS-L1-EXC-002 OJS-L1-OWN-003',
    on(core, 'renderJob', (next, job, options = {}) => next(job, without(options, 'lease'))),
  ],
  'promoted-by-arrival': [
    'OJS-L2-DLY-001',
    on(core, 'recordOf', (next, job) => next({ ...job, runAt: job.createdAt })),
  ],
  'priority-inverted': [
    'OJS-L4-PRI-001 OJS-L4-PRI-002 OJS-L2-DLY-004',
    on(ReadyQueue.prototype, 'peek', function () {
      return this.oldest();
    }),
  ],
  // Settlements
  'ack-without-id': ['OJS-L0-SET-001', answerTexts(/worker.ack/, (text) => text.replaceAll(/"(?:job_)?id"/g, '"x"'))],
  'error-optional': [
    'OJS-L0-SET-007',
    on(core, 'readFailure', (next, text) =>
      next(text.includes('"error"') ? text : text.replace(/}\s*$/, ',"error":{"message":""}}')),
    ),
  ],
  'only-last-error': ['OJS-L0-SET-009 OJS-L0-SET-010', on(core, 'appendHistory', (_next, _history, entry) => entry)],
  'no-occurred-at': [
    'OJS-L0-SET-008 OJS-L0-SET-009',
    on(core, 'errorText', (next, ...args) => next(...args).replace('"occurred_at"', '"x"')),
  ],
  'requeue-is-failure': [
    'OJS-L0-SET-011 OJS-L0-SET-012',
    on(core, 'readFailure', (next, text) => ({ ...next(text), requeue: false })),
  ],
  'exchange-drops-nacks': [
    'OJS-L1-EXC-001 OJS-L1-EXC-002',
    answerTexts(/worker.exchange/, (text) => text.replace('"nacks"', '"x"')),
  ],
  'settlement-not-repeatable': [
    'OJS-L3-CHN-008',
    on(core, 'verdict', (next, ...args) => {
      const verdict = next(...args);
      return verdict === 'already' ? 'refused' : verdict;
    }),
  ],
  'results-cut-at-64-kib': ['OJS-L3-RES-001', set(core, 'maxResultBytes', 65_536)],
};
