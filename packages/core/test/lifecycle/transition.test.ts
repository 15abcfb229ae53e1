import { describe, expect, test } from 'vitest';
import { State, type Transition } from '../../src/job/index.ts';
import {
  cancelled,
  completed,
  expired,
  failed,
  isPlainAck,
  isPlainEnd,
  isPlainJob,
} from '../../src/lifecycle/index.ts';
import { claimed, jobOf, middle, start } from '../support/records.ts';

const job = claimed(jobOf());
const ack = completed({ id: job.id, claim: 1, worker: 'w1', result: '{"a":1}' });

/** Every member that a transition may have besides those of an ACK, so that a new member must be put here. */
const others: Required<
  Omit<Transition, 'id' | 'from' | 'claim' | 'worker' | 'leaseUntil' | 'to' | 'result' | 'events' | 'reopens'>
> = {
  runAt: start,
  attempt: 1,
  priority: 1,
  timeoutMs: 1,
  clearRun: true,
  deadLetter: false,
  progress: null,
  checkpoint: null,
  beat: true,
  envelope: '{}',
  envelopeWas: '{}',
  policy: '{}',
  queue: 'other',
  history: '',
};

describe('short paths of storages', () => {
  test('an ACK takes the short path with or without a lease, a worker and a result', () => {
    expect(isPlainAck(ack)).toBe(true);
    expect(isPlainAck(completed({ id: job.id, result: null }))).toBe(true);
  });

  test.each(Object.keys(others))('%s is stored by the long path only', (name) => {
    const change = { ...ack, [name]: others[name as keyof typeof others] };
    expect(isPlainEnd(change)).toBe(false);
    expect(isPlainAck(change)).toBe(false);
  });

  test('an end without a result of its own, or of another kind, is plain and no ACK', () => {
    const { result, ...asIs } = ack;
    const changes = [
      asIs,
      { ...ack, to: State.cancelled },
      { ...ack, from: State.active | State.available },
      { ...ack, leaseUntil: start },
      { ...ack, events: [] },
      { ...ack, events: [...ack.events, ...ack.events] },
      { ...ack, events: [{ kind: 'job.completed', data: '{}' }] },
      { ...ack, events: [{ kind: 'job.cancelled' }] },
    ] as const;
    expect(changes.map((change) => [isPlainEnd(change), isPlainAck(change)])).toEqual(changes.map(() => [true, false]));
  });

  test('what writes a history is no plain end', () => {
    const boom = { code: 'c', type: 't', message: 'm', names: ['t'] };
    const ends = [failed(job, boom, start, middle), cancelled(job, start), expired(jobOf(), start)];
    expect(ends.map(isPlainEnd)).toEqual([false, false, false]);
  });

  test('a job with a unique key may be refused by another job, any other job only by its id or its queue', () => {
    expect(isPlainJob({ unique: null })).toBe(true);
    expect(isPlainJob({ unique: { key: 'k', states: State.active, createdAfter: null, onConflict: 'keep' } })).toBe(
      false,
    );
  });
});
