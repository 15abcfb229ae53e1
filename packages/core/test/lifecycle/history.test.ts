import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { historyOf, type JobRecord, State, Terminal } from '../../src/job/index.ts';
import {
  deletionAges,
  endedKinds,
  executionHistory,
  type HistoryPolicy,
  historyExpired,
  historyPolicy,
  historyRetention,
  keptHistory,
  readHistoryRule,
} from '../../src/lifecycle/index.ts';
import { anyRecord, jobOf, start } from '../support/records.ts';

const day = 86_400_000;

describe('a rule of the retention of histories', () => {
  test.each([
    ['queue=mail:7d', { queue: 'mail', keepMs: 7 * day }],
    ['type=email.*:PT36H', { type: 'email.*', keepMs: 1.5 * day }],
    ['state=dead_letter,queue=a-*,type=b.c:24h', { state: 'dead_letter', queue: 'a-*', type: 'b.c', keepMs: day }],
  ])('%s', (text, rule) => {
    expect(readHistoryRule(text)).toEqual(rule);
  });

  test.each([
    ['queue=mail', /no duration/],
    ['queue=mail:soon', /no duration/],
    ['queue=mail:23h', /below 24h/],
    [':7d', /unknown part/],
    ['quue=mail:7d', /the history rule quue=mail:7d: unknown part quue.*Did you mean queue\?.*such as queue=mail/],
    ['queue=mail,queue=b:7d', /two parts queue/],
    ['state=compleetd:7d', /unknown state compleetd.*Did you mean completed\?/],
    ['queue=Mail:7d', /queue must be/],
    ['type=:7d', /type must be/],
  ])('%s is refused', (text, message) => {
    expect(() => readHistoryRule(text)).toThrow(message);
  });

  test('the first that fits a job holds, else the days', () => {
    const policy = historyPolicy({
      retentionDays: 20,
      rules: ['queue=mail,type=email.*:2d', 'state=discarded:3d', 'queue=mail:4d', 'type=a.b,state=dead_letter:5d'],
    });
    const of = (patch: Partial<JobRecord>) => {
      const { keepMs, deletes } = historyRetention({ ...jobOf(), queue: 'q', ...patch }, policy);
      return [keepMs / day, deletes];
    };
    const { completed, cancelled, discarded, active } = State;
    expect(of({ queue: 'mail', type: 'email.send', state: completed })).toEqual([2, true]);
    // A rule without a state leaves the errors of a failed job.
    expect(of({ queue: 'mail', type: 'email.send', state: discarded })).toEqual([2, false]);
    expect(of({ state: discarded })).toEqual([3, true]);
    expect(of({ queue: 'mail', state: cancelled })).toEqual([4, true]);
    expect(of({ queue: 'mail', state: active })).toEqual([4, false]);
    expect(of({ state: discarded, deadLetter: true })).toEqual([5, true]);
    expect(of({ type: 'a.c', state: discarded, deadLetter: true })).toEqual([20, false]);
    expect(of({ state: completed })).toEqual([20, true]);
    expect(endedKinds.map((kind) => deletionAges(policy, kind).map((ms) => ms / day))).toEqual([
      [2, 4, 20],
      [2, 4, 20],
      [3],
      [5],
    ]);
  });

  test('numbers below 1 are refused', () => {
    expect(() => historyPolicy({ retentionDays: 0.5 })).toThrow('history.retentionDays is 0.5');
    expect(() => historyPolicy({ maxEventsPerJob: 0 })).toThrow('history.maxEventsPerJob is 0');
  });
});

const rules = fc.constantFrom(
  'queue=default:1d',
  'type=a.*,state=completed:2d',
  'state=discarded:3d',
  'state=dead_letter:4d',
);
const policies = fc
  .record({
    retentionDays: fc.integer({ min: 1, max: 5 }),
    rules: fc.array(rules),
    maxEventsPerJob: fc.integer({ min: 1, max: 20 }),
  })
  .map(historyPolicy);
const ended = anyRecord.map((job): JobRecord => ({ ...job, finishedAt: (job.state & Terminal) === 0 ? null : start }));
const moments = fc.integer({ min: 0, max: 6 * day }).map((ms) => start + ms);

/** What somebody may read of the job then. */
function told(job: JobRecord, policy: HistoryPolicy, now: number) {
  return keptHistory(executionHistory(job), job, policy, now);
}

test('a history is the end of what happened: young enough, and of at most so many events', () => {
  fc.assert(
    fc.property(ended, policies, moments, (job, policy, now) => {
      const all = executionHistory(job);
      const kept = told(job, policy, now);
      expect(kept).toEqual(all.slice(all.length - kept.length));
      expect(kept.length).toBeLessThanOrEqual(policy.maxEvents);
      const [last] = all.slice(-1);
      const isYoung = Date.parse(last?.timestamp ?? '') >= now - historyRetention(job, policy).keepMs;
      if (isYoung) expect(kept.length).toBeGreaterThan(0);
      expect(told(job, { ...policy, enabled: false }, now)).toEqual([]);
    }),
  );
});

test('a deletion by retention leaves its moment, once, and nothing that a reader could still see', () => {
  fc.assert(
    fc.property(ended, policies, moments, (job, policy, now) => {
      const { keepMs, deletes } = historyRetention(job, policy);
      const change = historyExpired(job, policy, now);
      const isDue = deletes && job.finishedAt !== null && job.finishedAt < now - keepMs && job.history !== '';
      expect(change !== null).toBe(isDue);
      if (change === null) return;
      expect(change).toMatchObject({ from: job.state, to: job.state, claim: job.claim, events: [] });
      expect(told(job, policy, now)).toEqual([]);
      const after = { ...job, history: change.history ?? '' };
      expect(historyOf(after)).toEqual([{ kind: 'purged', at: now, from: job.state, by: 'server' }]);
      expect(told(after, policy, now)).toMatchObject([{ event_type: 'job.purged', actor: { type: 'system' } }]);
      expect(historyExpired(after, policy, now + 9 * day)).toBeNull();
    }),
  );
});
