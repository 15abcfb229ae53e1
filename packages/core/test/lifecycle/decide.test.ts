import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../src/index.ts';
import {
  type Failure,
  historyOf,
  type JobRecord,
  lastError,
  maxHistory,
  mayMove,
  outcomeOf,
  State,
  type Transition,
} from '../../src/job/index.ts';
import {
  activated,
  aloneMs,
  cancelled,
  completed,
  conflict,
  type Death,
  expired,
  failed,
  leaseLost,
  overdue,
  requeued,
  retried,
  timedOut,
} from '../../src/lifecycle/index.ts';
import { anyRecord, apply, claimed, jobOf, middle, start } from '../support/records.ts';

const boom: Failure = {
  code: 'handler_error',
  type: 'SmtpError',
  message: 'refused',
  names: ['SmtpError', 'handler_error'],
};
const later = start + 5000;

function eventsOf({ events }: Transition): readonly [string, unknown][] {
  return events.map(({ kind, data }) => [kind, data === undefined ? null : JSON.parse(data)]);
}

const errorsOf = (job: Parameters<typeof historyOf>[0]) =>
  historyOf(job).flatMap((entry) => ('error' in entry ? [entry.error] : []));
const kindsOf = (change: Transition) => change.events.map(({ kind }) => kind);

describe('time that runs out during an execution', () => {
  test('stalled: no heartbeat for heartbeat_timeout after the first, with backoff (tmo 5.5)', () => {
    const job = { ...claimed(jobOf({ heartbeat_timeout: 3, retry: { jitter: false } })), beatAt: start + 1000 };
    expect(overdue(job, start + 3999, middle)).toBeNull();
    const change = overdue(job, start + 4000, middle);
    expect(change).toMatchObject({ to: State.retryable, runAt: start + 5000 });
    expect(change && kindsOf(change)).toEqual(['job.stalled', 'job.failed', 'job.retrying']);
    expect(change && eventsOf(change)[0]).toEqual([
      'job.stalled',
      { timeout_kind: 'stalled', limit_seconds: 3, elapsed_seconds: 3 },
    ]);
    expect(lastError({ history: change?.history ?? '' })).toMatchObject({ type: 'stalled', code: 'stalled' });
  });

  test('nothing stalls before its first heartbeat', () => {
    expect(overdue(claimed(jobOf({ heartbeat_timeout: 3 })), start + 100_000, middle)).toBeNull();
  });

  test('total_timeout ends an execution and beats max_attempts (tmo 5.2)', () => {
    const job = claimed(
      jobOf({ total_timeout: 4, timeout: 4, retry: { max_attempts: 9, on_exhaustion: 'dead_letter' } }),
      start + 1000,
    );
    expect(overdue(job, start + 3999, middle)).toBeNull();
    const change = overdue(job, start + 4000, middle);
    expect(change).toMatchObject({ to: State.discarded, deadLetter: true });
    expect(change && kindsOf(change)).toEqual(['job.total_timeout', 'job.failed', 'job.discarded']);
    expect(lastError({ history: change?.history ?? '' })).toMatchObject({
      type: 'total_timeout',
      details: { timeout_kind: 'total', limit_seconds: 4 },
    });
  });

  test('the expiry of a waiting job names the limit that passed: ttl until the first start, total at any time', () => {
    const typeOf = (job: JobRecord, at: number) =>
      lastError({ history: overdue(job, at, middle)?.history ?? '' })?.type;
    const job = jobOf({ enqueue_ttl: 2, total_timeout: 1800, timeout: 5 });
    expect(typeOf(job, start + 2000)).toBe('enqueue_ttl_expired');
    const started = { ...job, state: State.retryable, expiresAt: job.laterExpiresAt };
    expect(overdue(started, start + 2000, middle)).toBeNull();
    expect(typeOf(started, start + 1_800_000)).toBe('total_timeout');
  });
});

describe('poison pills', () => {
  const died = (job: JobRecord, after?: number, death?: Death): Transition =>
    leaseLost(job, 'worker_death', later, after, death);
  const again = (job: JobRecord, change: Transition): JobRecord => claimed(apply(job, change, later), later);
  const together = { beside: 4 };

  test('a job that killed three workers, alone, is discarded to the dead letter, whatever attempts are left', () => {
    const first = claimed(jobOf({ retry: { max_attempts: 10 } }));
    const second = again(first, died(first));
    const third = again(second, died(second));
    expect(died(second).to).toBe(State.available);
    const last = died(third, undefined, { beside: 0, hostname: 'box', pid: 12 });
    expect(last).toMatchObject({ to: State.discarded, deadLetter: true });
    expect(lastError({ history: last.history ?? '' })).toMatchObject({
      code: 'poison_pill',
      type: 'worker_death',
      message:
        '3 workers died while they ran this job, 3 of them with no other job; the last one was worker w1 (process 12 on box); the job was discarded.',
      details: { deaths: 3, deaths_alone: 3, worker: 'w1', hostname: 'box', pid: 12 },
    });
    expect(died(third, 4).to).toBe(State.available);
  });

  test('a death beside other jobs counts no attempt, and never discards, even with one attempt and after many deaths', () => {
    let job = claimed(jobOf({ retry: { max_attempts: 1 } }));
    for (let n = 0; n < 30; n++) {
      const change = died(job, undefined, together);
      expect(change).toMatchObject({ to: State.available, attempt: 0 });
      expect(historyOf({ history: change.history ?? '' }).at(-1)).toMatchObject({
        kind: 'requeued',
        reason: 'worker_death',
        beside: 4,
      });
      job = again(job, change);
    }
  });

  test('it takes two deaths alone, and the deaths beside others count with them', () => {
    const second = (() => {
      const first = claimed(jobOf({ retry: { max_attempts: 10 } }));
      return again(first, died(first, undefined, together));
    })();
    const third = again(second, died(second));
    expect(died(third)).toMatchObject({ to: State.discarded });
    const often = again(third, died(third, 9, together));
    expect(died(again(often, died(often, 9, together)), 9).to).toBe(State.available);
  });

  test('a suspect runs alone at its next start, for twice as long after each death; another end clears it', () => {
    const first = claimed(jobOf({ retry: { max_attempts: 10, jitter: false } }));
    expect(aloneMs(first)).toBe(0);
    const second = again(first, died(first, undefined, together));
    expect(aloneMs(second)).toBe(30_000);
    const third = again(second, died(second));
    expect(aloneMs(third)).toBe(60_000);
    expect(aloneMs(apply(third, failed(third, boom, later, middle), later))).toBe(0);
    const dead = apply(third, died(third), later);
    expect(aloneMs(apply(dead, retried(dead, later), later))).toBe(0);
  });

  test('a lost lease is no death, and a retry by hand resets the count', () => {
    let job = claimed(jobOf({ retry: { max_attempts: 10 } }));
    for (let n = 0; n < 4; n++) job = again(job, leaseLost(job, 'visibility_timeout', later));
    expect(died(job).to).toBe(State.available);
    let poisoned = claimed(jobOf({ retry: { max_attempts: 10, on_exhaustion: 'discard' } }));
    for (let n = 0; n < 2; n++) poisoned = again(poisoned, died(poisoned));
    const dead = apply(poisoned, died(poisoned), later);
    expect(dead.deadLetter).toBe(true);
    const fresh = again(dead, retried(dead, later));
    expect(died(fresh).to).toBe(State.available);
  });
});

describe('failed', () => {
  test('with attempts left: retryable after the backoff', () => {
    const job = claimed(jobOf({ retry: { jitter: false } }));
    const change = failed(
      job,
      { ...boom, retryable: true, details: '{"n":9007199254740993}', backtrace: ['a'] },
      later,
      middle,
    );
    expect(change).toMatchObject({ from: State.active, claim: 1, to: State.retryable, runAt: later + 1000 });
    expect(change.history).toContain('"details":{"n":9007199254740993}');
    expect(historyOf({ history: change.history ?? '' })).toMatchObject([
      {
        kind: 'failed',
        at: later,
        attempt: 1,
        claim: 1,
        worker: 'w1',
        startedAt: start,
        retryDelayMs: 1000,
        error: { code: 'handler_error', type: 'SmtpError', attempt: 1, retryable: true, backtrace: ['a'] },
      },
    ]);
    const error = { code: 'handler_error', type: 'SmtpError', message: 'refused', retryable: true };
    expect(eventsOf(change)).toEqual([
      ['job.failed', { error }],
      ['job.retrying', { attempt: 1, max_attempts: 3, next_retry_at: '2026-01-01T00:00:06.000Z', error }],
    ]);
  });

  test('the last attempt: discarded, in the dead letter only where asked', () => {
    for (const [on_exhaustion, deadLetter] of [
      ['discard', false],
      ['dead_letter', true],
    ] as const) {
      const job = { ...claimed(jobOf({ retry: { max_attempts: 2, on_exhaustion } })), attempt: 2 };
      const change = failed(job, boom, later, middle);
      expect(change).toMatchObject({ to: State.discarded, deadLetter });
      expect(eventsOf(change).at(-1)).toEqual([
        'job.discarded',
        { total_attempts: 2, last_error: { code: 'handler_error', type: 'SmtpError', message: 'refused' } },
      ]);
    }
  });

  test('max_attempts 0 means 1', () => {
    expect(failed(claimed(jobOf({ retry: { max_attempts: 0 } })), boom, later, middle).to).toBe(State.discarded);
    expect(failed(claimed(jobOf({ retry: { max_attempts: 1 } })), boom, later, middle).to).toBe(State.discarded);
    expect(failed(claimed(jobOf({ retry: { max_attempts: 2 } })), boom, later, middle).to).toBe(State.retryable);
  });

  test('an error that is not retryable: at once, and its event says so', () => {
    const listed = claimed(jobOf({ retry: { non_retryable_errors: ['Smtp.*', 'handler_error'] } }));
    for (const change of [
      failed(claimed(jobOf()), { ...boom, retryable: false }, later, middle),
      failed(listed, { ...boom, retryable: true }, later, middle),
    ]) {
      expect(change.to).toBe(State.discarded);
      expect(eventsOf(change)[0]).toMatchObject(['job.failed', { error: { retryable: false } }]);
    }
  });

  test('a response of the handler overrides everything, but RETRY only asks for the policy', () => {
    const dead = claimed(jobOf({ retry: { on_exhaustion: 'dead_letter' } }));
    expect(failed(dead, { ...boom, response: 'DISCARD' }, later, middle)).toMatchObject({
      to: State.discarded,
      deadLetter: false,
    });
    expect(failed(dead, { ...boom, response: 'FAIL' }, later, middle)).toMatchObject({
      to: State.discarded,
      deadLetter: false,
    });
    expect(failed(claimed(jobOf()), { ...boom, response: 'DEAD_LETTER' }, later, middle)).toMatchObject({
      to: State.discarded,
      deadLetter: true,
    });
    expect(failed({ ...dead, attempt: 3 }, { ...boom, response: 'RETRY' }, later, middle)).toMatchObject({
      to: State.discarded,
      deadLetter: true,
    });
    expect(failed(dead, { ...boom, response: 'RETRY' }, later, middle).to).toBe(State.retryable);
  });

  test('no attempt that could not end within total_timeout (ojs-timeouts §9.1)', () => {
    const job = claimed(jobOf({ timeout: 10, total_timeout: 20, retry: { jitter: false } }));
    expect(failed(job, boom, start + 9000, middle).to).toBe(State.retryable);
    const change = failed(job, boom, start + 9001, middle);
    expect(change.to).toBe(State.discarded);
    expect(errorsOf({ history: change.history ?? '' }).map(({ type }) => type)).toEqual(['SmtpError', 'total_timeout']);
    expect(eventsOf(change).at(-1)).toMatchObject(['job.discarded', { last_error: { type: 'total_timeout' } }]);
    // Without a timeout of its own the job takes the total as its timeout: that does not rule out every retry.
    expect(
      failed(claimed(jobOf({ total_timeout: 20, retry: { jitter: false } })), boom, start + 19_000, middle).to,
    ).toBe(State.retryable);
    expect(
      failed(claimed(jobOf({ total_timeout: 20, retry: { jitter: false } })), boom, start + 19_001, middle).to,
    ).toBe(State.discarded);
  });
});

describe('the end of an execution by the server', () => {
  test('a lost lease: available at once, no backoff', () => {
    for (const cause of ['visibility_timeout', 'worker_death'] as const) {
      const change = leaseLost(claimed(jobOf()), cause, later);
      expect(change).toMatchObject({ to: State.available, claim: 1, runAt: later, clearRun: true });
      expect(lastError({ history: change.history ?? '' })).toMatchObject({ type: cause, code: cause, attempt: 1 });
      expect(kindsOf(change)).toEqual(['job.failed', 'job.retrying']);
    }
  });

  test('a lost lease without attempts left: discarded', () => {
    const job = { ...claimed(jobOf({ retry: { on_exhaustion: 'dead_letter' } })), attempt: 3 };
    expect(leaseLost(job, 'worker_death', later)).toMatchObject({ to: State.discarded, deadLetter: true });
    expect(
      leaseLost(
        claimed(jobOf({ retry: { non_retryable_errors: ['visibility_timeout'] } })),
        'visibility_timeout',
        later,
      ).to,
    ).toBe(State.discarded);
  });

  test('out of time: by the retry policy, with the details of ojs-timeouts §8', () => {
    const change = timedOut(claimed(jobOf({ timeout: 2, grace_period: 1, retry: { jitter: false } })), later, middle);
    const details = { timeout_kind: 'execution', limit_seconds: 2, elapsed_seconds: 5 };
    expect(change).toMatchObject({ to: State.retryable, runAt: later + 1000, claim: 1 });
    expect(lastError({ history: change.history ?? '' })).toMatchObject({ type: 'timeout', details });
    expect(eventsOf(change)[0]).toEqual(['job.timeout', details]);
    expect(kindsOf(change)).toEqual(['job.timeout', 'job.failed', 'job.retrying']);
    expect(timedOut(claimed(jobOf({ retry: { non_retryable_errors: ['timeout'] } })), later, middle).to).toBe(
      State.discarded,
    );
  });

  test('overdue: the end that came first', () => {
    const job = claimed(jobOf({ timeout: 4 }));
    const endings = [
      [{ leaseUntil: start + 9000 }, 'timeout'],
      [{ leaseUntil: start + 4000 }, 'timeout'],
      [{ leaseUntil: start + 3999 }, 'visibility_timeout'],
    ] as const;
    for (const [lease, type] of endings)
      expect(lastError({ history: overdue({ ...job, ...lease }, later, middle)?.history ?? '' })?.type).toBe(type);
    expect(overdue({ ...job, leaseUntil: later + 1 }, start + 3999, middle)).toBeNull();
  });

  test('a lease that a dead worker let run out is its death (wp App. B)', () => {
    const job = { ...claimed(jobOf()), leaseUntil: later };
    const typeOf = (dead: boolean) =>
      lastError({ history: overdue(job, later, middle, dead ? { beside: 0 } : null)?.history ?? '' })?.type;
    expect([typeOf(true), typeOf(false)]).toEqual(['worker_death', 'visibility_timeout']);
  });

  test('overdue: a waiting job only expires', () => {
    for (const state of Object.values(State)) {
      const change = overdue({ ...jobOf({ expires_at: '+PT5S' }), state }, later, middle);
      const waits = ([State.available, State.scheduled, State.pending, State.retryable] as number[]).includes(state);
      expect(change?.to).toBe(waits ? State.discarded : undefined);
    }
    expect(overdue(jobOf({ expires_at: '+PT5S' }), later - 1, middle)).toBeNull();
  });
});

describe('other changes', () => {
  test('completed: guarded by what the worker named', () => {
    expect(completed({ id: 'x', claim: 4, worker: 'w', result: '1.0' })).toEqual({
      id: 'x',
      from: State.active,
      claim: 4,
      worker: 'w',
      to: State.completed,
      result: '1.0',
      events: [{ kind: 'job.completed' }],
    });
    expect(completed({ id: 'x', result: null })).not.toHaveProperty('claim');
  });

  test('requeued: the attempt is not counted', () => {
    const snoozed = requeued(claimed(jobOf()), 'snooze', later, 'worker', 60_000);
    expect(snoozed).toMatchObject({ to: State.retryable, runAt: later + 60_000, attempt: 0, clearRun: true });
    expect(historyOf({ history: snoozed.history ?? '' })).toMatchObject([{ kind: 'requeued', delayMs: 60_000 }]);
    const change = requeued(claimed(jobOf()), 'shutdown', later);
    expect(change).toMatchObject({ to: State.available, attempt: 0, clearRun: true, claim: 1, events: [] });
    expect(historyOf({ history: change.history ?? '' })).toEqual([
      { kind: 'requeued', at: later, attempt: 1, claim: 1, worker: 'w1', reason: 'shutdown' },
    ]);
  });

  test('expired: says which limit it was', () => {
    const byTime = expired(jobOf({ expires_at: '+PT3S' }), later);
    expect(eventsOf(byTime)).toEqual([
      ['job.expired', { created_at: '2026-01-01T00:00:00.000Z', expired_at: '2026-01-01T00:00:03.000Z', ttl_ms: 3000 }],
    ]);
    expect(errorsOf({ history: byTime.history ?? '' })).toMatchObject([{ type: 'expired', attempt: 0 }]);
    const byTtl = expired(jobOf({ enqueue_ttl: 2 }), later);
    expect(errorsOf({ history: byTtl.history ?? '' })).toMatchObject([
      { type: 'enqueue_ttl_expired', details: { timeout_kind: 'enqueue_ttl', limit_seconds: 2, elapsed_seconds: 5 } },
    ]);
  });

  test('activated: available, or scheduled for a future time', () => {
    expect(activated(jobOf({ pending: true }), later)).toMatchObject({
      to: State.available,
      runAt: later,
      events: [{ kind: 'job.enqueued' }],
    });
    const change = activated(jobOf({ pending: true, scheduled_at: '+PT1H' }), later);
    expect(change).toMatchObject({ to: State.scheduled, runAt: start + 3_600_000 });
    expect(eventsOf(change)).toEqual([['job.scheduled', { scheduled_at: '2026-01-01T01:00:00.000Z' }]]);
  });

  test('cancelled and retried note the key of their call', () => {
    const change = cancelled(claimed(jobOf()), later, 'k1');
    expect(change).toMatchObject({
      from: State.active,
      claim: 1,
      to: State.cancelled,
      events: [{ kind: 'job.cancelled' }],
    });
    expect(historyOf({ history: change.history ?? '' })).toEqual([
      { kind: 'cancelled', at: later, from: State.active, key: 'k1' },
    ]);
  });

  test('retried: a new round, the history stays', () => {
    const job = claimed(jobOf({ retry: { max_attempts: 1, on_exhaustion: 'dead_letter' } }));
    const dead = apply(job, failed(job, boom, later, middle), later);
    const change = retried(dead, later + 1, 'k');
    expect(change).toMatchObject({
      from: State.discarded,
      to: State.available,
      attempt: 0,
      deadLetter: false,
      clearRun: true,
    });
    const again = apply(dead, change, later + 1);
    expect(errorsOf(again)).toHaveLength(1);
    expect(lastError(again)).toBeNull();
  });

  test('a cancelled job stays cancelled', () => {
    const job = { ...jobOf(), state: State.cancelled };
    expect(() => cancelled(job, later)).toThrow(ProtocolError);
    try {
      cancelled(job, later);
    } catch (error) {
      expect(error).toMatchObject({ code: 'conflict', details: { job_id: job.id, current_state: 'cancelled' } });
    }
  });
});

test('a conflict says whether the state is in the way, or who owns the job', () => {
  const job = claimed(jobOf());
  expect(conflict(job, State.completed)).toMatchObject({ message: 'The job is active; expected completed.' });
  expect(conflict(job, State.active)).toMatchObject({
    message: 'The job is active, but its lease or its worker is not that of this call.',
    details: { current_state: 'active', expected_state: 'active', reason: 'not_owner' },
  });
});

describe('the state table', () => {
  const decisions: readonly ((job: JobRecord) => Transition | null)[] = [
    (job) => failed(job, boom, start, middle),
    (job) => failed(job, { ...boom, response: 'DEAD_LETTER' }, start, middle),
    (job) => requeued(job, 'r', start),
    (job) => requeued(job, 'r', start, 'server'),
    (job) => leaseLost(job, 'worker_death', start),
    (job) => timedOut(job, start, middle),
    (job) => expired(job, start),
    (job) => cancelled(job, start),
    (job) => activated(job, start),
    (job) => retried(job, start),
    (job) => overdue(job, start, middle),
  ];

  test('every decision on any record is allowed by it and fenced, or is refused as a conflict', () => {
    fc.assert(
      fc.property(anyRecord, fc.constantFrom(...decisions), (job, decide) => {
        let change: Transition | null;
        try {
          change = decide(job);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ProtocolError', code: 'conflict' });
          return;
        }
        if (change === null) return;
        expect(mayMove(job.state, change.to)).toBe(true);
        expect(change).toMatchObject({ from: job.state, claim: job.claim, id: job.id });
        expect(change.deadLetter === true && change.to !== State.discarded).toBe(false);
        const history = historyOf({ history: change.history ?? '' });
        expect(history.length).toBeGreaterThan(0);
        expect(history.length).toBeLessThanOrEqual(maxHistory);
        for (const event of change.events) expect(() => JSON.parse(event.data ?? '{}')).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});

describe('history', () => {
  test('keeps the newest 20 entries, and of these ten errors', () => {
    let job = jobOf();
    for (let round = 1; round <= 60; round++) {
      job = claimed(job, start + round);
      job = apply(
        job,
        round % 5 === 0
          ? { ...failed({ ...job, attempt: 1 }, boom, start + round, middle), to: State.available }
          : requeued(job, 'r', start + round),
        start + round,
      );
    }
    const history = historyOf(job);
    expect(history).toHaveLength(maxHistory);
    expect(errorsOf(job)).toHaveLength(10);
    expect(history.filter(({ kind }) => kind === 'requeued').every(({ at }) => at > start + 46)).toBe(true);
    for (let round = 61; round <= 90; round++)
      job = apply(claimed(job), failed({ ...claimed(job), attempt: 1 }, boom, start + round, middle), start);
    expect(historyOf(job).map(({ at }) => at - start)).toEqual(Array.from({ length: 20 }, (_, index) => 71 + index));
  });
});

describe('outcomeOf says how a claim ended', () => {
  const active = claimed(jobOf());

  test('by its worker', () => {
    expect(outcomeOf(active, 1)).toBeNull();
    expect(outcomeOf(apply(active, completed({ id: active.id, result: null }), later), 1)).toBe('completed');
    expect(outcomeOf(apply(active, failed(active, boom, later, middle), later), 1)).toBe('failed');
    expect(outcomeOf(apply(active, requeued(active, 'shutdown', later), later), 1)).toBe('requeued');
  });

  test('by the server: lost to the worker', () => {
    const endings = [
      leaseLost(active, 'worker_death', later),
      timedOut(active, later, middle),
      requeued(active, 'forgotten', later, 'server'),
      cancelled(active, later),
    ];
    for (const change of endings) expect(outcomeOf(apply(active, change, later), 1)).toBe('lost');
  });

  test('also when others followed', () => {
    const second = claimed(apply(active, failed(active, boom, later, middle), later), later);
    expect(outcomeOf(second, 1)).toBe('failed');
    expect(outcomeOf(second, 2)).toBeNull();
    const done = apply(second, completed({ id: second.id, result: null }), later);
    expect([outcomeOf(done, 1), outcomeOf(done, 2), outcomeOf(done, 3), outcomeOf(done, 0)]).toEqual([
      'failed',
      'completed',
      null,
      null,
    ]);
  });
});
