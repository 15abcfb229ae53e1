/**
 * Inputs of core's rules, over a small grid, and the answers of core. A port of a rule must give the same answers: the
 * test of `packages/server/lua` runs it on them.
 */

import { jobEventEntry } from '../../src/events/index.ts';
import { formatTimestamp } from '../../src/index.ts';
import {
  appendHistory,
  fingerprintAfter,
  type JobRecord,
  type LimitNumbers,
  State,
  type Transition,
} from '../../src/job/index.ts';
import {
  cancelled,
  claimed,
  effectiveLimit,
  expired,
  extended,
  groupVerdict,
  hasSlot,
  type Inserted,
  keepMs,
  limitGroupOf,
  moved,
  overdueAt,
  queueRefusal,
  reopensAt,
  stampOf,
  verdict,
} from '../../src/lifecycle/index.ts';
import { bucketBounds, codeOf, sumsOf } from '../../src/statistics/index.ts';
import { closedAs, nodeEvents } from '../../src/workflow/index.ts';
import { jobOf, start } from '../support/records.ts';

export interface Vector {
  readonly input: object;
  readonly expected: unknown;
}

function over<T extends object>(inputs: readonly T[], rule: (input: T) => unknown): readonly Vector[] {
  return inputs.map((input) => ({ input, expected: rule(input) }));
}

/** A vector as JSON. Members that are null are left out, as in what ports read. */
export function textOf(vector: Vector): string {
  return JSON.stringify(vector, (_, value: unknown) => (value === null ? undefined : value));
}

const active: JobRecord = {
  ...jobOf({ queue: 'q' }),
  envelope: '',
  state: State.active,
  attempt: 2,
  claim: 3,
  worker: 'w',
  enqueuedAt: start + 1,
  startedAt: start + 5,
  leaseMs: 1000,
  leaseUntil: start + 1005,
  beatAt: start + 9,
  runAt: start + 1,
};
const waiting: JobRecord = { ...jobOf({ queue: 'q' }), envelope: '', runAt: start + 9, attempt: 1 };
const ended: JobRecord = { ...waiting, state: State.discarded, finishedAt: start + 50, deadLetter: true };
const jobs: readonly JobRecord[] = [active, waiting, { ...waiting, state: State.scheduled }, ended];

function change(to: State, more: Partial<Transition> = {}): Transition {
  return { id: active.id, from: 255, to, events: [], ...more };
}

const changes: readonly Transition[] = [
  change(State.completed),
  change(State.retryable, { runAt: start + 77, attempt: 1 }),
  change(State.available, { clearRun: true, runAt: start, attempt: 0, queue: 'other', priority: 7, deadLetter: false }),
  change(State.active),
  change(State.active, { beat: true }),
  change(State.discarded),
  change(State.discarded, { deadLetter: true }),
  change(State.discarded, { deadLetter: false }),
  change(State.cancelled),
];

const owners = [
  [undefined, null],
  ['w', 'w'],
  ['w', 'other'],
  ['w', null],
] as const;

/** The end of the lease that a decision saw, and the one that the job has by then. */
const leases = [
  [500, 500],
  [500, 501],
  [500, null],
] as const;

const guarded = [State.active, State.available, State.completed].flatMap((state) =>
  [State.active, State.available | State.scheduled].flatMap((from) =>
    [State.active, State.completed, State.retryable].flatMap((to) =>
      [undefined, 2, 3].flatMap((claim) =>
        owners.map(([worker, owner]) => ({
          job: { state, claim: 3, leaseRequired: owner === null, worker: owner, leaseUntil: null },
          transition: {
            id: active.id,
            from,
            to,
            ...(claim !== undefined && { claim }),
            ...(worker !== undefined && { worker }),
            events: [],
          },
        })),
      ),
    ),
  ),
);

const verdicts = [
  ...guarded,
  ...leases.map(([seen, leaseUntil]) => ({
    job: { state: State.active, claim: 3, leaseRequired: true, worker: 'w', leaseUntil },
    transition: { id: active.id, from: State.active, to: State.available, claim: 3, leaseUntil: seen, events: [] },
  })),
];

const failure = '{"error":{"a":"\\"},[\\\\"}}';
const other = '{"a":"\\"error\\":","b":[{"error":1}]}';

function entries(total: number, errors: number, errorsFirst: boolean): string {
  const [some, rest] = [Array(errors).fill(failure), Array(total - errors).fill(other)];
  return (errorsFirst ? [...some, ...rest] : [...rest, ...some]).join(',');
}

const histories = [0, 1, 19, 20].flatMap((total) =>
  [...new Set([0, 10, 11, total])]
    .filter((errors) => errors <= total)
    .flatMap((errors) =>
      [true, false].flatMap((first) =>
        [failure, other].map((entry) => ({ history: entries(total, errors, first), entry })),
      ),
    ),
);

const lives = [1, 1500, 60_000, 86_400_000];
const expiries = lives.flatMap((life) =>
  [0, 1, 250, 10_000].flatMap((late) =>
    [
      {},
      { deadlineAt: start + life },
      { policy: `{"enqueueTtlMs":${life}}` },
      { policy: '{"enqueueTtlMs":7}' },
      { policy: `{"enqueueTtlMs":${life}}`, deadlineAt: start + life },
    ].map((ends) => ({
      job: { ...waiting, createdAt: start, expiresAt: start + life, ...ends },
      now: start + life + late,
    })),
  ),
);

function ending(transition: Transition) {
  const { to, history, events } = transition;
  return { to, history, fingerprint: fingerprintAfter(transition) ?? undefined, events };
}

const numbers: readonly LimitNumbers[] = [
  { concurrency: null, rates: [] },
  { concurrency: 0, rates: [] },
  { concurrency: 2, rates: [{ count: 2, perMs: 100 }] },
  {
    concurrency: null,
    rates: [
      { count: 1, perMs: 50 },
      { count: 3, perMs: 1000 },
    ],
  },
];
const settings = numbers.flatMap((own) => [null, ...numbers].map((override) => ({ own, override })));
const starts = [[], [start], [start, start + 40], [start, start, start + 60, start + 90]];

const states = Object.values(State);
const sums = [null, ...states].flatMap((was) =>
  states.flatMap((to) =>
    [null, start - 500, start + 500].flatMap((at) =>
      ([null, 'job.failed', 'job.expired'] as const).map((event) => ({
        before: was === null ? null : { state: was, startedAt: at, enqueuedAt: at, attempt: at === null ? 1 : 0 },
        to,
        now: start,
        event,
      })),
    ),
  ),
);

const counts = { id: 'w "1"', name: 'näme\n', total: 3, completed: 1, failed: 1, cancelled: 0 };
const members = ['chain', 'group', 'batch', 'dag'].flatMap((kind) =>
  [State.completed, State.discarded, State.cancelled].flatMap((state) =>
    [null, start, start + 99].map((startedAt) => ({
      workflow: { ...counts, kind },
      node: { index: 2, name: 'a"b' },
      job: { id: active.id, type: 'a.b', queue: 'q', state, attempt: 1, worker: null, startedAt, trace: null },
      now: start + 9,
    })),
  ),
);

const inserted: Inserted = { kind: 'inserted', replaced: [] };
const already: Inserted = { kind: 'already', job: waiting };
const duplicate: Inserted = { kind: 'duplicate', by: 'unique', existing: waiting };
const full: Inserted = { kind: 'full', queue: 'q', depth: 2, bound: 2 };
const answers: readonly (readonly Inserted[])[] = [
  [],
  [inserted],
  [already],
  [duplicate],
  [inserted, inserted],
  [already, already],
  [inserted, already],
  [inserted, duplicate],
  [already, duplicate, inserted],
  [full, inserted, already],
  [{ kind: 'paused', queue: 'q' }, already],
];
const newStates = [State.scheduled, State.available, State.pending] as const;
const refusals = newStates.flatMap((state) =>
  [null, 2].flatMap((capacity) =>
    [0, 2].flatMap((depth) =>
      [-1, 0, 2].flatMap((more) =>
        [null, { workflow: 'w', index: 0 }].flatMap((node) =>
          [true, false].map((paused) => ({
            job: { state, node, queue: 'q' },
            queue: { paused, capacity, depth },
            more,
            refusePaused: depth === 0,
          })),
        ),
      ),
    ),
  ),
);

/** By file, then by the name of core's function. */
export const vectors: Readonly<Record<string, Readonly<Record<string, readonly Vector[]>>>> = {
  insert: {
    queueRefusal: over(refusals, ({ job, queue, more, refusePaused }) => queueRefusal(job, queue, more, refusePaused)),
    groupVerdict: over(
      answers.map((answers) => ({ answers })),
      ({ answers }) => groupVerdict(answers),
    ),
  },
  transitions: {
    verdict: over(verdicts, ({ job, transition }) => verdict(job, transition)),
    moved: over(
      // Only a claim starts an execution (`verdict`).
      jobs.flatMap((job) =>
        changes
          .filter(({ to }) => to !== State.active || job.state === State.active)
          .map((transition) => ({ job, transition, now: start + 60 })),
      ),
      ({ job, transition, now }) => moved(job, transition, now),
    ),
    claimed: over(
      [null, 500].flatMap((visibilityMs) =>
        [null, 700].flatMap((leaseMs) =>
          [null, 'w'].map((worker) => ({
            job: { ...waiting, visibilityMs, expiresAt: start + 99, laterExpiresAt: leaseMs },
            claim: { worker, leaseMs, defaultLeaseMs: 900, leaseRequired: worker !== null },
            now: start + 60,
          })),
        ),
      ),
      ({ job, claim, now }) => claimed(job, claim, now),
    ),
    cancelled: over(
      jobs.slice(0, 3).map((job) => ({ job: { ...job, history: other }, now: start + 60 })),
      ({ job, now }) => ending(cancelled(job, now)),
    ),
    expired: over(expiries, ({ job, now }) => ending(expired(job, now))),
  },
  jobs: {
    overdueAt: over(
      [null, start + 5].flatMap((startedAt) =>
        [null, start + 9, start + 5000].flatMap((deadlineAt) =>
          [null, start + 1, start + 4000].flatMap((beatAt) =>
            [3, 8000].map((timeoutMs) => ({
              leaseUntil: start + 1000,
              startedAt,
              deadlineAt,
              beatAt,
              timeoutMs,
              heartbeatMs: 20,
            })),
          ),
        ),
      ),
      overdueAt,
    ),
    extended: over(
      [0, 100, 5000].flatMap((leaseMs) =>
        [start + 10, start + 900].map((now) => ({ job: { leaseMs: 1000, leaseUntil: start + 1005 }, leaseMs, now })),
      ),
      ({ job, leaseMs, now }) => extended(job, leaseMs, now),
    ),
    jobEventEntry: over(
      [null, 'w"\\\u0001é'].flatMap((worker) =>
        [null, '{"a":1}'].map((data) => ({ job: { ...active, worker, trace: worker }, from: State.available, data })),
      ),
      ({ job, from, data }) => jobEventEntry('job.failed', job, from, data),
    ),
    formatTimestamp: over(
      [0, -1, 951_782_399_999, 951_868_799_001, 4_107_542_399_999, start, 253_402_300_799_999].map((at) => ({ at })),
      ({ at }) => formatTimestamp(at),
    ),
  },
  history: { appendHistory: over(histories, ({ history, entry }) => appendHistory(history, entry)) },
  limits: {
    effectiveLimit: over(settings, effectiveLimit),
    keepMs: over(settings, keepMs),
    hasSlot: over(
      numbers.flatMap((numbers) => [0, 1, 2, 3].map((active) => ({ numbers, active }))),
      ({ numbers, active }) => hasSlot(numbers, active),
    ),
    reopensAt: over(
      numbers.flatMap((numbers) =>
        starts.flatMap((starts) =>
          [0, 49, 50, 100, 1000, 2000].map((after) => ({ numbers, starts, now: start + after })),
        ),
      ),
      ({ numbers, starts, now }) => reopensAt(numbers, (n) => starts.at(-n), now),
    ),
    stampOf: over(
      [[], [start - 5], [start + 5]].map((starts) => ({ starts, now: start })),
      ({ starts, now }) => stampOf(starts.at(-1), now),
    ),
    limitGroupOf: over(
      [[], ['a'], ['a', 'queue:q', 'z'], ['queue:q']].map((keys) => ({ keys })),
      ({ keys }) => limitGroupOf(keys),
    ),
  },
  statistics: {
    sumsOf: over(sums, ({ before, to, now, event }) =>
      sumsOf(before, to, now, event === null ? null : change(to, { events: [{ kind: event }] })),
    ),
    codeOf: over(
      [0, 0.5, 1e12, ...bucketBounds.flatMap((bound) => [bound - 0.5, bound, bound + 1])].map((ms) => ({ ms })),
      ({ ms }) => codeOf('completed', ms),
    ),
  },
  workflows: {
    closedAs: over(
      [State.completed, State.cancelled, State.discarded].map((state) => ({ state })),
      ({ state }) => closedAs(state),
    ),
    nodeEvents: over(members, ({ workflow, node, job, now }) => nodeEvents(workflow, node, job, now)),
  },
};
