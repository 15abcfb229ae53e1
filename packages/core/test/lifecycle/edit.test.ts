import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { members } from '../../src/index.ts';
import { historyOf, type JobRecord, State, stateName, type Transition, Waiting } from '../../src/job/index.ts';
import { editOf, type JobChanges, type JobEdit } from '../../src/lifecycle/index.ts';
import { apply, jobOf, start } from '../support/records.ts';

const hour = 3_600_000;
const now = start + 60_000;
const at = (ms: number) => `"${new Date(ms).toISOString()}"`;
const edit = (job: JobRecord, changes: JobChanges, ifMatch: JobEdit['ifMatch'] = {}, key?: string) =>
  editOf(job, { changes, ifMatch }, { now }, key);
const must = (transition: Transition | null): Transition => {
  if (transition === null) throw new Error('The edit changes nothing.');
  return transition;
};
const eventsOf = ({ events }: Transition) =>
  events.map(({ kind, data }) => [kind, data === undefined ? null : JSON.parse(data)]);
const later = (ms = hour, more: object = {}) =>
  jobOf({ args: [1], scheduled_at: new Date(start + ms).toISOString(), ...more });

/** The record after an edit, with the members that `apply` leaves to storages. */
function after(job: JobRecord, change: Transition): JobRecord {
  return {
    ...apply(job, change, now),
    priority: change.priority ?? job.priority,
    timeoutMs: change.timeoutMs ?? job.timeoutMs,
    envelope: change.envelope ?? job.envelope,
    policy: change.policy ?? job.policy,
  };
}

describe('what an edit changes', () => {
  test('a priority alone leaves envelope and policy, and needs no guard on them', () => {
    const job = jobOf({ args: [1.5], retry: { max_attempts: 2 } });
    const change = must(edit(job, { priority: '"HIGH"' }, {}, 'k'));
    expect(change).toMatchObject({ from: State.available, claim: 0, to: State.available, priority: 10 });
    expect(change).not.toHaveProperty('envelope');
    expect(eventsOf(change)).toEqual([['job.updated', { changed: ['priority'] }]]);
    expect(historyOf({ history: change.history ?? '' })).toEqual([
      { kind: 'edited', at: now, from: State.available, changed: ['priority'], key: 'k' },
    ]);
  });

  test('args, meta, tags, retry and timeout replace what was sent; all else stays byte for byte', () => {
    const job = jobOf({
      args: [1.5],
      meta: { a: 1, b: 2 },
      retry: { max_attempts: 2, jitter: false },
      timeout: 5,
      x_y: [2.0],
    });
    const changes = {
      args: '[2.0]',
      meta: '{"b":3.0}',
      tags: '["t"]',
      retry: '{"max_attempts":7}',
      timeout_ms: '9000',
    };
    const change = must(edit(job, changes));
    expect(change).toMatchObject({ envelopeWas: job.envelope, timeoutMs: 9_000 });
    const sent = members(change.envelope ?? '');
    const wanted = new Map(members(job.envelope));
    wanted.delete('timeout');
    wanted.set('args', '[2.0]').set('meta', '{"a":1,"b":3.0}').set('tags', '["t"]').set('timeout_ms', '9000');
    wanted.set('retry', '{"max_attempts":7,"jitter":false}').set('max_attempts', '7');
    expect(new Map(sent)).toEqual(wanted);
    expect(JSON.parse(change.policy ?? '')).toMatchObject({ retry: { maxAttempts: 7, jitter: false } });
    expect(eventsOf(change)).toEqual([['job.updated', { changed: ['args', 'meta', 'retry', 'tags', 'timeout'] }]]);
  });

  test('a job of a workflow keeps the members that the server gave it', () => {
    const job = jobOf();
    const step = { ...job, envelope: `${job.envelope.slice(0, -1)},"workflow_id":"w","parent_results":[1.0]}` };
    const sent = members(must(edit(step, { args: '[2]' })).envelope ?? '');
    expect([sent.get('workflow_id'), sent.get('parent_results')]).toEqual(['"w"', '[1.0]']);
  });

  test('an edit that changes nothing is none', () => {
    const job = later(hour, { priority: 3, meta: { a: 1 } });
    const same = { priority: '3', meta: '{"a":1}', args: '[1]', scheduled_at: at(start + hour) };
    expect(edit(job, same)).toBeNull();
    expect(edit(jobOf(), { scheduled_at: '"now"' })).toBeNull();
  });

  test('a second edit with the same changes is none, whatever they are', () => {
    const json = fc.json({ maxDepth: 2 });
    const change = fc.record(
      {
        args: json.map((text) => `[${text}]`),
        meta: fc.dictionary(fc.string(), fc.integer()).map((meta) => JSON.stringify(meta)),
        priority: fc.integer({ min: -100, max: 100 }).map(String),
        retry: fc.integer({ min: 1, max: 9 }).map((count) => `{"max_attempts":${count}}`),
        tags: fc.constantFrom('["a"]', '[]'),
        timeout: fc.constantFrom('5', '6'),
        scheduled_at: fc.constantFrom('"now"', at(now + hour), at(start)),
      },
      { requiredKeys: [] },
    );
    const states = fc.constantFrom(State.scheduled, State.pending, State.retryable);
    fc.assert(
      fc.property(change, states, fc.boolean(), (changes, state, relative) => {
        const sent = relative ? { scheduled_at: '+PT2H', expires_at: '+PT9H' } : {};
        const job = { ...jobOf({ args: [1], ...sent }), state, runAt: start + 2 * hour };
        const first = edit(job, changes);
        if (first === null) return;
        const edited = after(job, first);
        expect(edit(edited, changes)).toBeNull();
        expect(edited.expiresAt).toBe(job.expiresAt);
      }),
    );
  });
});

describe('times', () => {
  test('a scheduled job moves to another time, or becomes available as by its timer', () => {
    const job = later();
    const moved = must(edit(job, { scheduled_at: at(now + 5) }));
    expect(moved).toMatchObject({ to: State.scheduled, runAt: now + 5 });
    expect(members(moved.envelope ?? '').get('scheduled_at')).toBe(at(now + 5));
    expect(eventsOf(moved)).toEqual([
      ['job.updated', { changed: ['scheduled_at'], scheduled_at: JSON.parse(at(now + 5)) }],
    ]);
    for (const text of ['"now"', at(start), at(now)]) {
      const promoted = must(edit(job, { delay_until: text }));
      expect(promoted).toMatchObject({ to: State.available, runAt: now });
      expect(eventsOf(promoted)).toEqual([['job.enqueued', null]]);
    }
    const both = must(edit(job, { scheduled_at: '"now"', priority: '1' }));
    expect(both.events.map(({ kind }) => kind)).toEqual(['job.updated', 'job.enqueued']);
  });

  test('a relative time becomes a moment, also one that another change leaves', () => {
    const job = jobOf({ args: [1], scheduled_at: '+PT1H', expires_at: '+PT2H' });
    const { envelope = '', policy } = must(edit(job, { args: '[2]' }));
    expect(members(envelope).get('scheduled_at')).toBe(at(start + hour));
    expect(members(envelope).get('expires_at')).toBe(at(start + 2 * hour));
    expect(policy).toBe('{}');
    const times = { now, latest: now + 7 };
    expect(editOf(job, { changes: { scheduled_at: '"+PT1H"' } }, times)?.runAt).toBe(now + hour + 7);
  });

  test('a retryable job keeps what was sent and changes its pause; a pending one its start after the activation', () => {
    const retryable = { ...jobOf(), state: State.retryable, claim: 2, attempt: 1, runAt: now + hour };
    const sooner = must(edit(retryable, { scheduled_at: at(now + 9) }));
    expect(sooner).toMatchObject({ from: State.retryable, claim: 2, to: State.retryable, runAt: now + 9 });
    expect(sooner).not.toHaveProperty('envelope');
    const atOnce = must(edit(retryable, { scheduled_at: '"now"' }));
    expect([atOnce.to, atOnce.events]).toEqual([State.available, [{ kind: 'job.state_changed' }]]);
    const pending = must(edit(jobOf({ args: [1], pending: true }), { scheduled_at: at(now + 9) }));
    expect(pending).toMatchObject({ to: State.pending, runAt: now + 9 });
  });
});

describe('what an edit refuses', () => {
  const conflict = (details: object, hint: RegExp) =>
    expect.objectContaining({
      code: 'conflict',
      details: expect.objectContaining(details),
      hint: expect.stringMatching(hint),
    });

  test('a job that runs or has ended; the hint names the rerun', () => {
    for (const state of Object.values(State)) {
      const run = () => edit({ ...jobOf(), state }, { priority: '1' });
      if ((state & Waiting) !== 0) expect(run()).not.toBeNull();
      else expect(run).toThrow(conflict({ current_state: stateName(state) }, /rerun/));
    }
  });

  test('a later time for an available job: ojs-core §6.3 has no way back', () => {
    expect(() => edit(jobOf(), { scheduled_at: at(now + 1) })).toThrow(
      conflict({ current_state: 'available' }, /rerun/),
    );
  });

  test('another unique key, and no other change of a unique job', () => {
    const job = jobOf({ args: [{ id: 1, n: 1 }], unique: { keys: ['type', 'args'], args_keys: ['id'] } });
    expect(() => edit(job, { args: '[{"id":2,"n":1}]' })).toThrow(conflict({ reason: 'unique_key' }, /rerun/));
    expect(edit(job, { args: '[{"id":1,"n":2}]' })).not.toBeNull();
    expect(edit(job, { priority: '1' })).not.toBeNull();
  });

  test('a job that differs from what the caller saw', () => {
    const job = later();
    const seen = { state: 'scheduled', attempt: 0, priority: 0 } as const;
    expect(edit(job, { priority: '1' }, seen)).not.toBeNull();
    for (const other of [{ state: 'available' }, { attempt: 1 }, { priority: 1 }] as const)
      expect(() => edit(job, { priority: '1' }, { ...seen, ...other })).toThrow(
        conflict({ reason: 'changed', current: seen }, /Read/),
      );
  });

  test('wrong values, under their own paths', () => {
    for (const [changes, path] of [
      [{ priority: '101' }, '$.priority'],
      [{ scheduled_at: '"soon"' }, '$.scheduled_at'],
      [{ tags: '5' }, '$.tags'],
      [{ retry: '{"max_attempts":-1}' }, '$.retry.max_attempts'],
      [{ meta: '[]' }, '$.meta'],
      [{ args: '{}' }, '$.args'],
    ] as const)
      for (const job of [jobOf(), later(), { ...jobOf(), state: State.retryable }])
        expect(() => edit(job, changes)).toThrow(
          expect.objectContaining({ details: { validation_errors: [expect.objectContaining({ path })] } }),
        );
  });
});
