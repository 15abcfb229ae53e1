import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StepWait } from '../../src/durable/index.ts';
import {
  type ActiveFacts,
  type AvailableFacts,
  type Explanation,
  explainActive,
  explainAvailable,
  explainEnded,
  explainStep,
  explainWaiting,
  type HeldLimit,
  jobsBefore,
  type QueueReader,
  reasonClauses,
  renderExplanation,
} from '../../src/explain/index.ts';
import { type JobRecord, State, Terminal } from '../../src/job/index.ts';
import {
  activated,
  cancelled,
  discarded,
  expired,
  failed,
  isIn,
  leaseLost,
  refusedImport,
  requeued,
  unhandled,
} from '../../src/lifecycle/index.ts';
import { type NodeRecord, newWorkflow, nodeRecordOf, type WorkflowRecord } from '../../src/workflow/index.ts';
import { anyRecord, apply, claimed, jobOf, middle, start } from '../support/records.ts';

const second = 1_000;
const now = start + 60 * second;
const at = (seconds: number) => new Date(start + seconds * second).toISOString();
const boom = { code: 'boom', type: 'Boom', message: 'It broke.\nat line 1', names: ['Boom'] };

const reader: QueueReader = { id: 'w1', status: 'live', seenAt: now - second, slots: 2, holds: ['a'], first: [] };
const free: AvailableFacts = {
  paused: false,
  pausedSince: null,
  available: 1,
  before: 0,
  limits: [],
  readers: [reader],
  silentReaders: 0,
  refusesWrites: null,
  maintenance: null,
};
const limit: HeldLimit = {
  key: 'tenant:7',
  own: { concurrency: null, rates: [] },
  override: null,
  active: 0,
  starts: [],
  holders: [],
};
const running: ActiveFacts = {
  worker: { seenAt: now - second, seenBefore: now - 6 * second, holds: [], heldBefore: [] },
  since: start,
  deadAfterMs: 30 * second,
  poisonAfter: 3,
};
const nothing = { workflow: null, successor: null };
const mode = { enabledAt: start + 10 * second, reason: 'new disk', estimatedEnd: start + 90 * second };
const available = jobOf();
const active = claimed(available, start + second);
const unlisted = { ...running, worker: { seenAt: now, seenBefore: now - second, holds: null, heldBefore: null } };

const waiting = (facts: Partial<AvailableFacts>, job: JobRecord = available) =>
  explainAvailable(job, { ...free, ...facts }, now);
const limited = (patch: Partial<HeldLimit>) => waiting({ limits: [{ ...limit, ...patch }] });
const failedOnce = (envelope: object, failure: Parameters<typeof failed>[1] = boom) => {
  const job = claimed(jobOf(envelope), start + second);
  return apply(job, failed(job, failure, start + 2 * second, middle), start + 2 * second);
};
const waits: readonly StepWait[] = [
  { name: 'cool down', kind: 'sleep', until: start + 900 * second },
  { name: 'charge', kind: 'retry', until: start + 602 * second },
];
const suspended: JobRecord = {
  ...apply(active, requeued(active, '', start + 2 * second, 'worker', 600 * second), now),
  policy: JSON.stringify({ steps: { suspended: { by: 1, waits } } }),
};
const ended = (job: JobRecord, facts: Partial<Parameters<typeof explainEnded>[1]> = {}, time = now) =>
  explainEnded(job, { ...nothing, ...facts }, time);

const workflow: WorkflowRecord = {
  ...newWorkflow({ id: 'w', name: 'order', kind: 'chain', spec: '{}', total: 2 }, start),
};
const node: NodeRecord = nodeRecordOf('w', {
  index: 1,
  name: 'ship',
  job: 'j',
  open: 1,
  next: [],
  member: true,
  spec: '{}',
});
const step = (patch: Partial<NodeRecord> = {}, flow: Partial<WorkflowRecord> = {}) =>
  explainStep(
    {
      workflow: { ...workflow, ...flow },
      node: { ...node, ...patch },
      open: [{ name: 'pay', state: 'active', job: 'p' }],
    },
    now,
  );

function poisoned(): JobRecord {
  let job = jobOf({ retry: { max_attempts: 9, on_exhaustion: 'dead_letter' } });
  for (const worker of ['w1', 'w2', 'w3']) {
    const held = claimed(job, start + second, worker);
    job = apply(held, leaseLost(held, 'worker_death', start + 40 * second), start + 40 * second);
  }
  return job;
}

/** Each reason by a case of its own: the explanation and what the reason says. */
const cases: Readonly<Record<string, readonly [explanation: Explanation, first: object, next?: number | null]>> = {
  activation: [
    explainWaiting(jobOf({ pending: true }), null, now),
    { message: expect.stringContaining('pending'), since: start },
  ],
  scheduled: [
    explainWaiting(jobOf({ scheduled_at: at(3_600) }), null, now),
    {
      message: `The job is scheduled for ${at(3_600)}.`,
      until: start + 3_600 * second,
      remedy: 'Promote the job to start it now.',
    },
    start + 3_600 * second,
  ],
  due: [
    explainWaiting(jobOf({ scheduled_at: at(30) }), null, now),
    { message: `The time of the job came at ${at(30)}.`, since: start + 30 * second },
    now,
  ],
  backoff: [
    explainWaiting(failedOnce({ retry: { max_attempts: 5, initial_interval: 'PT5M', jitter: false } }), null, now),
    {
      message: `Attempt 1 of 5 failed with Boom: It broke; the next one may start at ${at(302)}.`,
      since: start + 2 * second,
      until: start + 302 * second,
    },
    start + 302 * second,
  ],
  no_handler: [
    explainWaiting(
      apply(
        active,
        unhandled(active, { ...boom, code: 'handler_not_found', message: 'No handler.' }, 600 * second, start),
        now,
      ),
      null,
      now,
    ),
    {
      message: `Worker w1 has no handler for ${active.type}: No handler; the job is offered again at ${at(600)}.`,
      remedy: `Start a worker that registers ${active.type} and reads the queue ${active.queue}, or enqueue the job under its right type.`,
    },
    start + 600 * second,
  ],
  snoozed: [
    explainWaiting(
      apply(active, requeued(active, 'rate limited', start + 2 * second, 'worker', 600 * second), now),
      null,
      now,
    ),
    { message: `Worker w1 returned the job with a delay until ${at(602)}: rate limited.` },
    start + 602 * second,
  ],
  suspended: [
    explainWaiting(suspended, null, now),
    {
      message: `The handler waits for the next attempt of the step "charge" until ${at(602)}, for the sleep "cool down" until ${at(900)}.`,
      until: start + 602 * second,
      remedy: 'End the wait to start the job now.',
    },
    start + 602 * second,
  ],
  maintenance: [
    waiting({ maintenance: mode, paused: true }),
    {
      message: `No job starts in maintenance mode (new disk), since ${at(10)}; its end is expected at ${at(90)}.`,
      since: start + 10 * second,
      remedy: 'End the mode: `ojs maintenance off`.',
    },
  ],
  storage_refuses_writes: [
    waiting({ refusesWrites: 'The disk is full.' }),
    { message: 'The storage takes no writes: The disk is full.' },
  ],
  queue_paused: [
    waiting({ paused: true, pausedSince: start }),
    { message: `Queue default is paused since ${at(0)}.`, since: start, remedy: 'Resume the queue.' },
  ],
  limit_stopped: [
    limited({ override: { concurrency: 0, rates: [] } }),
    {
      message: 'Limit tenant:7 may run 0 jobs.',
      keys: ['tenant:7'],
      remedy: expect.stringContaining('its own numbers'),
    },
  ],
  concurrency_full: [
    limited({ own: { concurrency: 2, rates: [] }, active: 2, holders: [{ id: 'a', worker: 'w1', since: start }] }),
    {
      message: 'Limit tenant:7 runs 2 jobs of at most 2.',
      jobs: [{ id: 'a', worker: 'w1', since: start }],
      partial: true,
    },
  ],
  rate_reached: [
    limited({
      key: 'queue:default',
      own: { concurrency: null, rates: [{ count: 1, perMs: 90 * second }] },
      starts: [start],
    }),
    { message: `The rate of queue default allows the next start at ${at(90)}.`, until: start + 90 * second },
    start + 90 * second,
  ],
  no_worker: [
    waiting({
      readers: [
        { ...reader, status: 'dead' },
        { ...reader, id: 'w2', status: 'quiet' },
      ],
      silentReaders: 1,
    }),
    {
      message:
        'No live worker is known to read queue default: 1 dead, 1 quiet; the queues of 1 live worker are not known.',
      workers: [{ id: 'w1', status: 'dead' }, { id: 'w2' }],
    },
  ],
  workers_busy: [
    waiting({ readers: [{ ...reader, holds: ['a', 'b'] }] }),
    {
      message: 'By its last heartbeat, each live worker of queue default holds as many jobs as it has slots.',
      jobs: [
        { id: 'a', worker: 'w1' },
        { id: 'b', worker: 'w1' },
      ],
    },
  ],
  other_queues_first: [
    waiting({ readers: [{ ...reader, first: [{ name: 'high', available: 7 }] }] }),
    { message: 'The workers of queue default ask first for the available jobs of high (7).' },
    now,
  ],
  jobs_before: [
    waiting({ available: 5, before: 3 }),
    { message: 'By priority and time of entry, 3 jobs of queue default are before this one.', before: 3 },
    now,
  ],
  ready: [
    waiting({ available: 5 }),
    {
      message: 'Nothing holds the job back, and 1 live worker of queue default may take it.',
      workers: [{ id: 'w1', status: 'live', held: 1, slots: 2 }],
    },
    now,
  ],
  running: [
    explainActive(active, unlisted, now),
    {
      message: `Worker w1 runs attempt 1 of 3 since ${at(1)}; its lease ends at ${at(1_801)}, unless a heartbeat extends it.`,
      since: start + second,
      until: start + 1_801 * second,
      workers: [{ id: 'w1', status: 'live', seenAt: now }],
    },
  ],
  worker_silent: [
    explainActive(
      active,
      { ...unlisted, worker: { ...unlisted.worker, seenAt: start + 20 * second }, since: start + 40 * second },
      now,
    ),
    {
      message: `Worker w1 sent its last heartbeat at ${at(20)} and is dead after 30 seconds without one; by ${at(70)} the job goes back to its queue.`,
      until: start + 70 * second,
      workers: [{ id: 'w1', status: 'dead' }],
    },
    start + 70 * second,
  ],
  lost_answer: [
    explainActive(active, running, now),
    { message: expect.stringContaining('The last two heartbeats of worker w1 do not list the job') },
    now,
  ],
  overdue: [
    explainActive(claimed(available, start, 'w1', 30 * second), unlisted, now),
    { message: expect.stringContaining(`ended at ${at(30)}; unless a heartbeat comes first, the job goes back`) },
    now,
  ],
  completed: [
    ended({ ...active, state: State.completed, finishedAt: now }),
    { message: `Worker w1 completed the job in attempt 1 at ${at(60)}.`, since: now },
  ],
  cancelled: [
    ended(apply(available, cancelled(available, now), now)),
    { message: `The job was cancelled at ${at(60)} while it was available; the audit log says who did it.` },
  ],
  workflow_cancelled: [
    ended(apply(available, cancelled(available, now), now), {
      workflow: { ...workflow, state: 'cancelled', finishedAt: now },
    }),
    { message: `Workflow w was cancelled at ${at(60)}, and its waiting jobs with it.` },
  ],
  replaced: [
    ended(apply(available, cancelled(available, now), now), { successor: 'b' }),
    { message: expect.stringContaining('Job b has the same unique key'), jobs: [{ id: 'b' }] },
  ],
  attempts_exhausted: [
    ended(failedOnce({ retry: { max_attempts: 1, on_exhaustion: 'dead_letter' } })),
    {
      message: 'Attempt 1 of 1 failed with Boom: It broke; it is in the dead letter.',
      remedy: 'Remove the cause, then retry the job from the dead letter.',
    },
  ],
  final_error: [
    ended(failedOnce({}, { ...boom, retryable: false })),
    { message: expect.stringContaining('rules out another attempt.'), remedy: 'Remove the cause, then retry the job.' },
  ],
  poison: [
    ended(poisoned()),
    {
      message:
        '3 workers died while they ran this job, 3 of them with no other job; the last one was worker w3; the job was discarded; it is in the dead letter.',
      workers: [{ id: 'w1' }, { id: 'w2' }, { id: 'w3' }],
    },
  ],
  expired: [
    ended(expiredJob()),
    {
      message: 'The job was not started before expires_at.',
      remedy: 'Enqueue the job again: after a retry it would expire at once.',
    },
  ],
  refused: [
    ended(refusedJob()),
    {
      message: 'A transaction committed the job, and the server refused it with queue_full: The queue is full.',
      remedy: 'Remove the cause, then enqueue the job again.',
    },
  ],
  discarded: [
    ended(apply(available, discarded(available, now), now)),
    { message: `An operator discarded the job at ${at(60)}.` },
  ],
  step_waits: [
    step(),
    { message: 'Step ship waits for 1 step before it.', steps: [{ name: 'pay', state: 'active', job: 'p' }] },
  ],
  step_due: [step({ open: 0 }), { message: 'All steps before step ship have ended.' }, now],
  step_skipped: [
    step({ state: 'cancelled', failed: 1, closedAt: now, open: 0 }),
    { message: `A step before step ship did not complete at ${at(60)}.` },
  ],
  step_failed: [
    step({ state: 'failed', closedAt: now, error: '{"code":"invalid","message":"No queue."}' }),
    { message: `The job of step ship was refused at ${at(60)}: No queue.` },
  ],
  unique: [
    step({ state: 'failed', closedAt: now, error: '{"code":"duplicate","message":"Held: b.","existing_job_id":"b"}' }),
    { jobs: [{ id: 'b' }] },
  ],
  workflow_ended: [
    step({}, { state: 'cancelled' }),
    { message: 'Workflow w is cancelled, so its waiting steps do not start.' },
  ],
  unknown: [
    ended({ ...available, state: State.discarded, finishedAt: now }),
    { message: `The job was discarded at ${at(60)}; no error is on record.` },
  ],
};

function expiredJob(): JobRecord {
  const job = jobOf({ expires_at: at(30) });
  return apply(job, expired(job, now), now);
}

function refusedJob(): JobRecord {
  const job = jobOf({ pending: true });
  const failure = { code: 'queue_full', type: 'queue_full', message: 'The queue is full.', names: [] };
  return apply(job, refusedImport(job, failure, now), now);
}

describe('explanations', () => {
  test.each(Object.entries(cases))('%s', (code, [explanation, reason, next = null]) => {
    expect(explanation.reasons[0]).toMatchObject({ code, ...reason });
    expect(explanation.verdict).toContain(reasonClauses[explanation.reasons[0]?.code ?? 'unknown']);
    expect(explanation.next).toBe(next);
  });

  test('an overdue job waits while its worker may be dead', () => {
    const job = claimed(available, now - 30 * second, 'w1', 30 * second);
    const { reasons, next } = explainActive(job, running, now + 28 * second);
    expect(reasons).toMatchObject([
      { code: 'overdue', message: expect.stringContaining('waits until its worker sends a heartbeat or is dead') },
    ]);
    expect(next).toBeNull();
  });

  test('every reason but expires_first, which comes beside another, has a case', () => {
    expect([...Object.keys(cases), 'expires_first'].toSorted()).toEqual(Object.keys(reasonClauses).toSorted());
  });

  test('expires_first: a job that expires before its time never starts', () => {
    const job = failedOnce({ retry: { initial_interval: 'PT5M', jitter: false }, expires_at: at(120) });
    const { verdict, reasons, next } = explainWaiting(job, null, now);
    expect(reasons.map(({ code }) => code)).toEqual(['backoff', 'expires_first']);
    expect(reasons[1]).toMatchObject({
      message: `The job expires at ${at(120)} and may not start before ${at(302)}.`,
      until: start + 120 * second,
    });
    expect(verdict).toBe(
      'The job is retryable: its last attempt failed, and its backoff is not over, and it expires before it may start.',
    );
    expect(next).toBeNull();
  });

  test('several reasons: the last end counts, and none is known if one reason has no end', () => {
    const rate = (perMs: number) => ({
      ...limit,
      own: { concurrency: null, rates: [{ count: 1, perMs }] },
      starts: [start],
    });
    const rates = waiting({ limits: [rate(90 * second), { ...rate(120 * second), key: 'b' }] });
    expect([rates.reasons.length, rates.next]).toEqual([2, start + 120 * second]);
    expect(rates.verdict).toBe('The job is available: a rate allows no start yet.');
    const paused = waiting({ limits: [rate(90 * second)], paused: true, readers: [] });
    expect(paused.verdict).toBe(
      'The job is available: its queue is paused, a rate allows no start yet, and no live worker is known to read its queue.',
    );
    expect(paused.next).toBeNull();
  });

  test('a limit with a free slot, a rate that is open and a worker that does not list its jobs hold nothing back', () => {
    const open = { ...limit, own: { concurrency: 2, rates: [{ count: 2, perMs: 90 * second }] } };
    const { reasons } = waiting({
      limits: [{ ...open, active: 1, starts: [start] }],
      readers: [{ ...reader, holds: null }],
    });
    expect(reasons.map(({ code }) => code)).toEqual(['ready']);
  });

  test('one idle worker that asks for this queue first is enough', () => {
    const first = [{ name: 'high', available: 7 }];
    const { reasons } = waiting({
      readers: [
        { ...reader, first },
        { ...reader, id: 'w2' },
      ],
    });
    expect(reasons.map(({ code }) => code)).toEqual(['ready']);
  });

  test('an active job of a cancelled workflow was cancelled by somebody', () => {
    const facts = { workflow: { ...workflow, state: 'cancelled', finishedAt: start } } as const;
    const { reasons } = ended(apply(active, cancelled(active, now), now), facts);
    expect(reasons[0]).toMatchObject({ code: 'cancelled', message: expect.stringContaining('while it was active') });
  });

  test.each(['expired', 'poison_pill'])('a handler that reports the code %s has failed like any other', (code) => {
    const job = failedOnce({ retry: { max_attempts: 1 } }, { ...boom, code });
    expect(ended(job).reasons[0]).toMatchObject({ code: 'attempts_exhausted' });
  });

  test('an uncounted queue says so', () => {
    const { reasons } = waiting({ available: 900, before: null });
    expect(reasons[0]?.message).toBe(
      'Queue default has 900 available jobs; how many are before this one was not counted.',
    );
  });

  test('a silent worker whose death would be the last one discards the job', () => {
    const silent = { ...unlisted, worker: { ...unlisted.worker, seenAt: start } };
    const { reasons, next } = explainActive(active, { ...silent, poisonAfter: 1 }, now);
    expect(reasons[0]?.message).toContain('the job is discarded.');
    expect(next).toBeNull();
  });

  test('a worker without heartbeats is never silent', () => {
    const { reasons } = explainActive(active, { ...running, worker: null }, start + 1_000 * second);
    expect(reasons[0]).toMatchObject({ code: 'running', workers: [{ status: 'unknown', seenAt: null }] });
    expect(reasons[0]?.message).toContain('no heartbeat is on record');
  });

  test('the jobs before a job: higher priority, then earlier entry, then earlier creation', () => {
    const one = (id: string, patch: Partial<JobRecord> = {}): JobRecord => ({ ...available, id, ...patch });
    const own = one('own', { priority: 1 });
    const newest = [
      one('newer', { priority: 1 }),
      own,
      one('older', { priority: 1 }),
      one('back later', { priority: 1, enqueuedAt: now }),
      one('urgent', { priority: 2, enqueuedAt: now }),
      one('low'),
    ];
    expect(jobsBefore(own, newest)).toBe(2);
  });

  test('any job has an explanation in whole sentences', () => {
    fc.assert(
      fc.property(anyRecord, fc.integer({ min: start, max: start + 20_000_000 }), (job, time) => {
        const { reasons, verdict, next } = isIn(job.state, Terminal)
          ? ended(job, {}, time)
          : job.state === State.active
            ? explainActive(job, running, time)
            : job.state === State.available
              ? explainAvailable(job, free, time)
              : explainWaiting(job, null, time);
        expect(reasons.length).toBeGreaterThan(0);
        for (const text of [verdict, ...reasons.map(({ message }) => message)]) expect(text).toMatch(/^[A-Z0-9].*\.$/s);
        if (next !== null) expect(next).toBeGreaterThanOrEqual(time);
        if (isIn(job.state, Terminal)) expect(next).toBeNull();
      }),
    );
  });

  test('on the wire times are timestamps, and a job that was activated for later is scheduled', () => {
    const pending = jobOf({ pending: true, scheduled_at: at(3_600) });
    const job = apply(pending, activated(pending, now), now);
    expect(renderExplanation(explainWaiting(job, null, now))).toEqual({
      job_id: job.id,
      state: 'scheduled',
      checked_at: at(60),
      verdict: 'The job is scheduled: its time has not come.',
      reasons: [
        {
          code: 'scheduled',
          message: `The job is scheduled for ${at(3_600)}.`,
          until: at(3_600),
          remedy: 'Promote the job to start it now.',
        },
      ],
      next_start_at: at(3_600),
    });
    expect(renderExplanation(step())).toMatchObject({
      workflow_id: 'w',
      step: 'ship',
      state: 'waiting',
      reasons: [{ code: 'step_waits', steps: [{ id: 'pay', state: 'active', job_id: 'p' }] }],
      next_start_at: null,
    });
  });

  test('a wait for a signal without a timeout has no known end', () => {
    const asleep = (waits: readonly StepWait[], more: Partial<JobRecord> = {}) =>
      explainWaiting(
        { ...suspended, policy: JSON.stringify({ steps: { suspended: { by: 1, waits } } }), ...more },
        null,
        now,
      );
    const approval: StepWait = { name: 'approval', kind: 'signal' };
    const paid: StepWait = { name: 'paid', kind: 'signal', token: 'order:1', until: start + 602 * second };
    const message = 'The handler waits for the signal "approval" without a timeout.';
    const remedy = 'Send the signal, or end the wait to start the job now.';
    expect(asleep([approval])).toMatchObject({ next: null, reasons: [{ code: 'suspended', message, remedy }] });
    expect(asleep([approval]).reasons[0]).not.toHaveProperty('until');
    expect(asleep([approval, paid])).toMatchObject({
      next: start + 602 * second,
      reasons: [
        {
          message: `The handler waits for the token "order:1" until ${at(602)}, for the signal "approval" without a timeout.`,
        },
      ],
    });
    const limited = asleep([approval], { deadlineAt: suspended.runAt });
    expect(limited.reasons[0]?.message).toBe(`${message} Its total timeout ends at ${at(602)}.`);
    expect(limited.next).toBe(start + 602 * second);
  });

  test('docs/operate/explain.md has every reason in its words', () => {
    const page = readFileSync(new URL('../../../../docs/operate/explain.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` \| (.+?) \| .*\|$/gm)].map(([, code, clause]) => [code, clause]);
    expect(rows).toEqual(Object.entries(reasonClauses));
  });
});
