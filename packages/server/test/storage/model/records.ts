import { stepsKind, valuesKind } from '@ojs-ts/core/durable';
import { State } from '@ojs-ts/core/job';
import type { RecordChange } from '@ojs-ts/core/memory';
import fc from 'fast-check';
import type { Storage } from '../../../src/storage/storage.ts';
import { idOf, t0, to } from '../suite/tools.ts';
import { job, jobAt, keyedNumbers, number, transition, transitionAt } from './jobs.ts';
import { pageSize, type Step, sometimes, step } from './steps.ts';

const version = fc.constantFrom(1, 1, 2, 2, 3, 4);
const recordKey = fc.constantFrom('a', 'b/1', 'c');
const body = fc.constantFrom('1', '{"d":1.0}');

/** Most often one of the jobs that the opening of a script claims. */
const held = fc.record({
  number: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...keyedNumbers) }, { weight: 1, arbitrary: number }),
  claim: fc.constantFrom(1, 1, 1, 1, 2),
});
type Held = typeof held extends fc.Arbitrary<infer T> ? T : never;
const claimsOf = ({ number, claim }: Held) => [{ id: idOf(number), claim }];

/** A change of a record as the engine makes it, with jobs where the record is a cron. */
export const work = fc.record({
  ...{ key: recordKey, body, expected: fc.option(version), job: fc.option(job) },
  ...{ ends: fc.array(transition, { maxLength: 2 }), logs: fc.boolean(), held: sometimes(held) },
});
type Work = typeof work extends fc.Arbitrary<infer T> ? T : never;

export function workAt({ key, body, expected, job, ends, logs, held }: Work, now: number): RecordChange {
  return {
    ...recordChange(key, body, expected, now),
    ...(job && { job: jobAt(job, now) }),
    ...(held && { claims: claimsOf(held) }),
    ends: ends.map((end) => transitionAt(end, now)),
    events: logs ? [`["cron.triggered","${key}",null,"",null,null,0,null,null,null,{}]`] : [],
  };
}

/** A change of one record, as the engine makes it: the next version, if the expected one is there. */
export function recordChange(key: string, body: string, expected: number | null, now: number): RecordChange {
  const put = { kind: 'kind', key, version: (expected ?? 0) + 1, createdAt: t0, updatedAt: now, body };
  return { checks: [{ kind: 'kind', key, version: expected }], puts: [put] };
}

/** A row of steps as the engine writes it: the first one with the mark, and one that suspends the job. */
const row = fc.record({
  ...{ held, key: fc.constantFrom('a', 'a', 'b/1'), version: fc.constantFrom(1, 1, 2), body, hasValue: fc.boolean() },
  ...{
    kind: fc.constantFrom<'first' | 'later' | 'suspension'>('first', 'later', 'suspension'),
    delay: fc.nat({ max: 40 }),
  },
});
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;

function rowAt({ held, key, version, body, hasValue, kind, delay }: Row, now: number): RecordChange {
  const [id, isFirst] = [idOf(held.number), kind === 'first' && version === 1];
  const put = { key, version: version + 1, createdAt: t0, updatedAt: now, body };
  const kinds = hasValue ? [stepsKind(id), valuesKind(id)] : [stepsKind(id)];
  const ends = {
    first: [to(id, State.active, State.active, { policy: '{"steps":{}}', claim: held.claim })],
    later: [],
    suspension: [
      to(id, State.retryable, State.active, {
        ...{ policy: `{"steps":{"suspended":${held.claim}}}`, runAt: now + delay, attempt: 0 },
        ...{ clearRun: true, claim: held.claim, history: '' },
      }),
    ],
  };
  return {
    claims: claimsOf(held),
    checks: kind === 'suspension' ? [] : [{ kind: stepsKind(id), key, version: isFirst ? null : version }],
    puts: kinds.map((kind) => ({ kind, ...put, version: isFirst ? 1 : put.version })),
    ends: ends[kind],
  };
}

/** The rows of the jobs with these numbers. */
export function stepRows({ records }: Storage): Promise<readonly unknown[]> {
  const ids = Array.from({ length: 16 }, (_, number) => idOf(number));
  const kinds = ids.flatMap((id) => [stepsKind(id), valuesKind(id)]);
  return Promise.all(kinds.map((kind) => records.scan(kind, { limit: 9 })));
}

const recordedSteps: fc.Arbitrary<Step> = step(
  'record steps',
  fc.array(row, { minLength: 1, maxLength: 4 }),
  (storage, now, rows) =>
    storage.records.commit(
      rows.map((row) => rowAt(row, now)),
      now,
    ),
);

export const recordSteps: fc.Arbitrary<Step> = fc.oneof(
  step('commit', fc.array(fc.tuple(recordKey, body, fc.option(version)), { maxLength: 3 }), (storage, now, changes) =>
    storage.records.commit(changes.map(([key, body, expected]) => recordChange(key, body, expected, now))),
  ),
  step('commit of jobs', fc.array(work, { minLength: 1, maxLength: 3 }), (storage, now, changes) =>
    storage.records.commit(
      changes.map((change) => workAt(change, now)),
      now,
    ),
  ),
  { weight: 3, arbitrary: recordedSteps },
  step('put', fc.tuple(recordKey, version), (storage, now, [key, version]) =>
    storage.records.commit([
      { puts: [{ kind: 'audit', key, version, createdAt: now, updatedAt: now, body: '"a|b"' }] },
    ]),
  ),
  step('delete', fc.array(recordKey, { maxLength: 2 }), (storage, _, keys) =>
    storage.records.commit([{ deletes: keys.flatMap((key) => ['kind', 'audit'].map((kind) => ({ kind, key }))) }]),
  ),
);

export const recordReads: fc.Arbitrary<Step> = fc.oneof(
  step('runs', pageSize, (storage, _, limit) => storage.jobs.runs(['d', 'none', 'c'], limit)),
  step('records', recordKey, (storage, _, key) =>
    storage.records.get([
      { kind: 'kind', key },
      { kind: 'audit', key },
    ]),
  ),
  step(
    'scan',
    fc.record({ from: recordKey, backwards: fc.boolean(), skip: fc.nat({ max: 1 }), limit: pageSize }),
    (storage, _, page) => storage.records.scan('kind', page),
  ),
);
