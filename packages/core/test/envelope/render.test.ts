import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { members } from '../../src/index.ts';
import { type Failure, type JobRecord, renderJob, State } from '../../src/job/index.ts';
import { activated, cancelled, completed, expired, failed, requeued, retried } from '../../src/lifecycle/index.ts';
import { anyRecord, apply, claimed, jobOf, middle, start } from '../support/records.ts';

const boom: Failure = {
  code: 'handler_error',
  type: 'handler_error',
  message: 'm',
  details: '{"n":9007199254740993}',
  names: ['handler_error'],
};
const later = start + 5000;
const iso = (ms: number) => new Date(ms).toISOString();
const view = (job: JobRecord) => JSON.parse(renderJob(job));
const failedOnce = (job: JobRecord) => apply(job, failed(job, boom, later, middle), later);

describe('renderJob', () => {
  test('a new job', () => {
    const job = jobOf({ priority: 5 });
    expect(view(job)).toEqual({
      ...JSON.parse(job.envelope),
      state: 'available',
      priority: 5,
      attempt: 0,
      created_at: iso(start),
      enqueued_at: iso(start),
    });
  });

  test('enqueued_at is absent before the job is available', () => {
    expect(view(jobOf({ pending: true }))).not.toHaveProperty('enqueued_at');
    expect(view(jobOf({ scheduled_at: '+PT1H' }))).toMatchObject({
      state: 'scheduled',
      scheduled_at: iso(start + 3_600_000),
    });
  });

  test('a claimed job: attempt, start, worker, and the lease for the worker that claimed it', () => {
    const job = claimed(jobOf(), later, 'w"1');
    expect(view(job)).toMatchObject({ state: 'active', attempt: 1, started_at: iso(later), worker_id: 'w"1' });
    expect(view(job)).not.toHaveProperty('x_lease');
    expect(JSON.parse(renderJob(job, { lease: 'c1.x' })).x_lease).toBe('c1.x');
  });

  test('x_progress has the last report of an execution; without a report it is absent', () => {
    expect(view(claimed(jobOf()))).not.toHaveProperty('x_progress');
    const progress = `{"at":${start},"told":${start},"fraction":0.5,"message":"half"}`;
    const told = { progress: 0.5, percentage: 50, message: 'half', data: null, updated_at: iso(start) };
    expect(view({ ...claimed(jobOf()), progress }).x_progress).toEqual(told);
  });

  test('a failed job: error, errors, delay, next attempt under both names', () => {
    const job = failedOnce(claimed(jobOf({ retry: { jitter: false } })));
    const error = {
      code: 'handler_error',
      type: 'handler_error',
      message: 'm',
      attempt: 1,
      occurred_at: iso(later),
      timestamp: iso(later),
    };
    const seen = view(job);
    expect(seen).toMatchObject({
      state: 'retryable',
      error,
      errors: [error],
      retry_delay_ms: 1000,
      next_attempt_at: iso(later + 1000),
      next_retry_at: iso(later + 1000),
    });
    expect(seen).not.toHaveProperty('completed_at');
    expect(renderJob(job)).toContain('"details":{"n":9007199254740993}');
  });

  test('the next execution still shows delay and error, but no next attempt', () => {
    const seen = view(claimed(failedOnce(claimed(jobOf({ retry: { jitter: false } }))), later + 1000));
    expect(seen).toMatchObject({ attempt: 2, retry_delay_ms: 1000, error: { attempt: 1 } });
    expect(seen).not.toHaveProperty('next_attempt_at');
  });

  test('a completed job: result as sent, no error, errors stay', () => {
    const job = claimed(failedOnce(claimed(jobOf())), later);
    const done = apply(job, completed({ id: job.id, result: '1.0e3' }), later + 1);
    expect(members(renderJob(done)).get('result')).toBe('1.0e3');
    expect(view(done)).toMatchObject({ state: 'completed', completed_at: iso(later + 1), errors: [{ attempt: 1 }] });
    expect(view(done)).not.toHaveProperty('error');
    expect(view(apply(job, completed({ id: job.id, result: null }), later))).not.toHaveProperty('result');
  });

  test('an exhausted job: completed_at and discarded_at', () => {
    expect(view(failedOnce(claimed(jobOf({ retry: { max_attempts: 1 } }))))).toMatchObject({
      state: 'discarded',
      completed_at: iso(later),
      discarded_at: iso(later),
      error: { attempt: 1 },
    });
    const late = claimed(jobOf({ timeout: 1, total_timeout: 2 }));
    expect(view(apply(late, failed(late, boom, later, middle), later))).toMatchObject({
      completed_at: iso(later),
      error: { type: 'total_timeout' },
    });
  });

  test('completed_at is absent for expired and cancelled jobs', () => {
    const job = jobOf({ expires_at: '+PT1S' });
    const ended = view(apply(job, expired(job, later), later));
    expect(ended).toMatchObject({ state: 'discarded', discarded_at: iso(later), error: { type: 'expired' } });
    expect(ended).not.toHaveProperty('completed_at');
    const stopped = view(apply(job, cancelled(job, later), later));
    expect(stopped).toMatchObject({ state: 'cancelled', cancelled_at: iso(later) });
    expect(stopped).not.toHaveProperty('completed_at');
  });

  test('an activated job', () => {
    const job = jobOf({ pending: true });
    expect(view(apply(job, activated(job, later), later))).toMatchObject({
      state: 'available',
      activated_at: iso(later),
      enqueued_at: iso(later),
    });
  });

  test('a job retried from the dead letter: no error, no end, its errors stay', () => {
    const dead = failedOnce(claimed(jobOf({ retry: { max_attempts: 1, on_exhaustion: 'dead_letter' } })));
    const seen = view(apply(dead, retried(dead, later), later));
    expect(seen).toMatchObject({ state: 'available', attempt: 0, errors: [{ attempt: 1 }] });
    for (const name of ['error', 'completed_at', 'discarded_at', 'started_at', 'worker_id', 'retry_delay_ms'])
      expect(seen).not.toHaveProperty(name);
  });

  test('a requeued job has no error of its own', () => {
    const job = claimed(jobOf());
    const seen = view(apply(job, requeued(job, 'r', later), later));
    expect(seen).toMatchObject({ state: 'available', attempt: 0 });
    expect(seen).not.toHaveProperty('errors');
  });

  test('extra members go in as they are', () => {
    expect(JSON.parse(renderJob(jobOf(), { extra: '"previous_state":"active"' })).previous_state).toBe('active');
  });

  test('any record renders to JSON that has no null, every member once, and the envelope first, to the byte', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const job = {
          ...record,
          finishedAt: (record.state & (State.completed | State.cancelled | State.discarded)) === 0 ? null : start,
        };
        const text = renderJob(job, { lease: 'c1.x' });
        if (!job.policy?.includes('"resolved"')) expect(text.startsWith(job.envelope.slice(0, -1))).toBe(true);
        const names = [
          ...text
            .replace(/"(errors?|retry|args|meta)":(\[.*?\](?=[,}])|\{.*?\}(?=[,}]))/g, '"$1":0')
            .matchAll(/"(\w+)":/g),
        ].map((match) => match[1]);
        expect(new Set(names).size).toBe(names.length);
        expect(Object.values(JSON.parse(text))).not.toContain(null);
      }),
    );
  });
});

test('relative times are shown as the moments that they came to, and kept as they were sent', () => {
  const job = jobOf({ args: ['+PT5S'], meta: { scheduled_at: '+PT5S' }, scheduled_at: '+PT5S', expires_at: '+PT1H' });
  expect(job.envelope).toContain('"scheduled_at":"+PT5S"');
  expect(JSON.parse(renderJob({ ...job, runAt: start + 99_000 }))).toMatchObject({
    args: ['+PT5S'],
    meta: { scheduled_at: '+PT5S' },
    scheduled_at: '2026-01-01T00:00:05.000Z',
    expires_at: '2026-01-01T01:00:00.000Z',
  });
  expect(renderJob(jobOf({ expires_at: '2099-12-31T23:59:59Z' }))).toContain('"expires_at":"2099-12-31T23:59:59Z"');
});
