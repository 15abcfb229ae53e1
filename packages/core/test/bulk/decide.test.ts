import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BulkAction,
  type BulkActor,
  type BulkDecision,
  bulkDecision,
  bulkKey,
  bulkStates,
  type Deciding,
  undoDecision,
} from '../../src/bulk/index.ts';
import { members, ProtocolError, uuidFrom } from '../../src/index.ts';
import { type JobRecord, recordOf, State, Waiting } from '../../src/job/index.ts';
import { editOf, type JobChanges, rerunOfName } from '../../src/lifecycle/index.ts';
import { anyRecord, apply, jobOf, start } from '../support/records.ts';

const id = uuidFrom(start, 7, 7);
/** The same for the same job, as the digest of the engine. */
const newId = (job: JobRecord) => `${id.slice(0, 24)}${job.id.slice(24)}`;
const now = start + 60_000;
const at = (ms: number) => `"${new Date(ms).toISOString()}"`;

function deciding(action: BulkAction, changes: JobChanges = {}, queues: readonly string[] | null = null): Deciding {
  return { id, action, changes, startedAt: now, actor: { name: 'somebody', queues }, newId };
}

function decide(operation: Deciding, job: JobRecord, when = now): BulkDecision {
  return bulkDecision(operation, { states: bulkStates[operation.action] }, job, when);
}

const change = fc.record(
  {
    args: fc.json({ maxDepth: 1 }).map((text) => `[${text}]`),
    meta: fc.dictionary(fc.string(), fc.integer(), { maxKeys: 2 }).map((meta) => JSON.stringify(meta)),
    priority: fc.integer({ min: -100, max: 100 }).map(String),
    tags: fc.constantFrom('["a"]', '[]'),
    scheduled_at: fc.constantFrom('"+PT5M"', at(now + 1), at(start)),
  },
  { requiredKeys: [] },
);

describe('changes of waiting jobs', () => {
  test('are those of a single edit, are made once, and never throw', () => {
    const actions = fc.constantFrom('edit', 'priority', 'reschedule');
    fc.assert(
      fc.property(anyRecord, change, actions, (job, changes, action) => {
        const operation = deciding(action, changes);
        const decision = decide(operation, job);
        const alone = (job.state & bulkStates[action]) === 0 ? null : singly(job, changes);
        if (alone === null || alone instanceof ProtocolError) {
          expect(decision.kind).toBe('skip');
          return;
        }
        expect(decision).toEqual({ kind: 'move', transition: alone });
        expect(decide(operation, apply(job, alone, now), now + 1)).toEqual({ kind: 'done' });
      }),
    );
  });

  function singly(job: JobRecord, changes: JobChanges) {
    const time = changes.scheduled_at === '"+PT5M"' ? { scheduled_at: at(now + 300_000) } : {};
    try {
      return editOf(job, { changes: { ...changes, ...time } }, { now }, bulkKey(id));
    } catch (error) {
      if (error instanceof ProtocolError) return error;
      throw error;
    }
  }

  test('a relative time counts from the start of the operation, whenever the step comes', () => {
    const later = jobOf({ scheduled_at: at(now + 9_000_000).slice(1, -1) });
    const operation = deciding('reschedule', { delay_until: '"+PT5M"' });
    for (const when of [now, now + 299_999])
      expect(decide(operation, later, when)).toMatchObject({
        transition: { to: State.scheduled, runAt: now + 300_000 },
      });
    expect(decide(operation, later, now + 300_001)).toMatchObject({
      transition: { to: State.available, runAt: now + 300_001 },
    });
    expect(decide(deciding('reschedule', { scheduled_at: '"now"' }), later)).toMatchObject({
      transition: { to: State.available },
    });
  });

  test('what stays says why', () => {
    const unique = jobOf({ args: [1], unique: { keys: ['type', 'args'] } });
    const encoded = jobOf({ meta: { 'ojs.codec.encodings': ['x'] } });
    const reasons: readonly (readonly [JobRecord, JobChanges, string])[] = [
      [jobOf({ priority: 3 }), { priority: '3' }, 'no_change'],
      [jobOf(), { scheduled_at: '"+PT1M"' }, 'available'],
      [unique, { args: '[2]' }, 'unique_key'],
      [encoded, { args: '[2]' }, 'invalid_request'],
    ];
    for (const [job, changes, reason] of reasons)
      expect(decide(deciding('edit', changes), job)).toEqual({ kind: 'skip', reason });
  });
});

describe('a rerun', () => {
  const ended = (envelope: object = {}) => ({ ...jobOf(envelope), state: State.completed, finishedAt: start });

  test('makes one linked job of each ended one, however often it is decided, and replaces none', () => {
    fc.assert(
      fc.property(anyRecord, change, (job, changes) => {
        const operation = deciding('rerun', changes);
        const [first, again] = [decide(operation, job), decide(operation, job, now + 5_000)];
        if ((job.state & bulkStates.rerun) === 0) {
          expect(first.kind).toBe('skip');
          return;
        }
        if (first.kind !== 'insert' || again.kind !== 'insert') throw new Error('An ended job runs again.');
        expect(again.read.job.id).toBe(first.read.job.id);
        expect(first.read.job.id).toBe(newId(job));
        const meta = JSON.parse(members(first.read.job.envelope).get('meta') ?? '{}');
        expect(meta[rerunOfName]).toBe(job.id);
      }),
    );
    const read = decide(deciding('rerun'), ended({ unique: { keys: ['type'], on_conflict: 'replace' } }));
    expect(read).toMatchObject({ read: { job: { unique: { onConflict: 'keep' } } } });
  });

  test('stays within the queues of the token, as a single one', () => {
    const mail = ended({ queue: 'mail' });
    const of = (job: JobRecord, changes: JobChanges = {}) => decide(deciding('rerun', changes, ['mail', 'web*']), job);
    expect(of(mail).kind).toBe('insert');
    expect(of(mail, { queue: '"web1"' }).kind).toBe('insert');
    const elsewhere = { kind: 'skip', reason: 'other_queues' };
    expect(of(mail, { queue: '"other"' })).toEqual(elsewhere);
    expect(of(ended({ queue: 'mail', unique: { keys: ['type'] } }))).toEqual(elsewhere);
    expect(of(ended({ queue: 'mail', rate_limit: [{ key: 'k', concurrency: 1 }] }))).toEqual(elsewhere);
  });

  test('is undone by cancelling the new jobs that still wait', () => {
    const undo = uuidFrom(start, 8, 8);
    const somebody = { name: 'somebody', queues: null };
    const of = (job: JobRecord | null, actor: BulkActor = somebody) =>
      undoDecision({ id: undo, of: { id, action: 'rerun' }, actor, newId }, job, now);
    expect(of(null)).toEqual({ kind: 'skip', reason: 'no_new_job' });
    const decision = decide(deciding('rerun'), ended());
    if (decision.kind !== 'insert') throw new Error('An ended job runs again.');
    const made = recordOf(decision.read.job);
    for (const state of Object.values(State)) {
      const undone = of({ ...made, state });
      if ((state & Waiting) === 0)
        expect(undone).toEqual({ kind: 'skip', reason: state === State.active ? 'running' : 'has_ended' });
      else {
        if (undone.kind !== 'move') throw new Error('A waiting job is cancelled.');
        expect(undone.transition.to).toBe(State.cancelled);
        expect(of(apply(made, undone.transition, now))).toEqual({ kind: 'done' });
      }
    }
    // A rerun by somebody else can have sent the new job to a queue that is none of theirs.
    const elsewhere = { ...made, queue: 'billing' };
    expect(of(elsewhere, { name: 'token_mail', queues: ['mail'] })).toEqual({ kind: 'skip', reason: 'other_queues' });
    expect(of(elsewhere, { name: 'token_both', queues: ['mail', 'bill*'] }).kind).toBe('move');
  });
});
