import fc from 'fast-check';
import { uuidFrom } from '../../src/index.ts';
import {
  appendHistory,
  entryText,
  errorText,
  type JobRecord,
  readEnvelope,
  recordOf,
  State,
  type Transition,
} from '../../src/job/index.ts';

export const start = Date.UTC(2026, 0, 1);
export const middle = () => 0.5;

/** A job as it stands after its enqueue at {@link start}. */
export function jobOf(envelope: object = {}): JobRecord {
  return recordOf(
    readEnvelope(JSON.stringify({ type: 'a.b', args: [1], ...envelope }), start, () => uuidFrom(start, 1, 1)).job,
  );
}

/** The job as a claim at `at` leaves it. */
export function claimed(job: JobRecord, at = start, worker: string | null = 'w1', leaseMs = 1_800_000): JobRecord {
  return {
    ...job,
    state: State.active,
    attempt: job.attempt + 1,
    claim: job.claim + 1,
    startedAt: at,
    worker,
    leaseMs,
    leaseUntil: at + leaseMs,
  };
}

/** The record after a transition, by the words of the contract at `Transition`. */
export function apply(job: JobRecord, change: Transition, now: number): JobRecord {
  const terminal = (change.to & (State.completed | State.cancelled | State.discarded)) !== 0;
  return {
    ...job,
    state: change.to,
    runAt: change.runAt ?? job.runAt,
    attempt: change.attempt ?? job.attempt,
    deadLetter: change.deadLetter ?? job.deadLetter,
    result: change.result === undefined ? job.result : change.result,
    history: change.history ?? job.history,
    leaseMs: null,
    leaseUntil: null,
    enqueuedAt: change.to === State.available ? now : job.enqueuedAt,
    finishedAt: terminal ? now : null,
    ...(change.clearRun ? { startedAt: null, worker: null } : {}),
  };
}

const failure = { code: 'c', type: 't', message: 'm', names: ['t'] };
const entries = fc.constantFrom(
  entryText(
    { kind: 'failed', at: start, attempt: 1, claim: 1, worker: null, startedAt: start },
    errorText(failure, 1, start),
  ),
  entryText({ kind: 'requeued', at: start, attempt: 1, claim: 1, worker: 'w', reason: 'r' }),
  entryText({ kind: 'retried', at: start, from: State.discarded }),
);

/** Records of every state, with any history, policy and times. */
export const anyRecord: fc.Arbitrary<JobRecord> = fc
  .record({
    state: fc.constantFrom(...Object.values(State)),
    envelope: fc.record(
      {
        retry: fc.record(
          {
            max_attempts: fc.nat(4),
            on_exhaustion: fc.constantFrom('discard', 'dead_letter'),
            non_retryable_errors: fc.constantFrom([], ['t'], ['timeout']),
          },
          { requiredKeys: [] },
        ),
        total_timeout: fc.integer({ min: 1, max: 10_000 }),
        enqueue_ttl: fc.integer({ min: 1, max: 100 }),
        scheduled_at: fc.constantFrom('+PT1H', '+PT1S'),
      },
      { requiredKeys: [] },
    ),
    attempt: fc.nat(5),
    claim: fc.nat(9),
    startedAt: fc.option(fc.integer({ min: start - 10_000_000, max: start })),
    worker: fc.option(fc.constantFrom('w1', 'w"2')),
    leaseUntil: fc.option(fc.integer({ min: start - 10_000_000, max: start + 10_000_000 })),
    history: fc.array(entries, { maxLength: 25 }).map((list) => list.reduce(appendHistory, '')),
  })
  .map(({ envelope, ...fields }) => ({ ...jobOf(envelope), ...fields }));
