import type { RecordChange } from '@ojs-ts/core/memory';
import fc from 'fast-check';
import { t0 } from '../suite/tools.ts';
import { job, jobAt, transition, transitionAt } from './jobs.ts';
import { pageSize, type Step, step } from './steps.ts';

const version = fc.constantFrom(1, 1, 2, 2, 3, 4);
const recordKey = fc.constantFrom('a', 'b/1', 'c');
const body = fc.constantFrom('1', '{"d":1.0}');

/** A change of a record as the engine makes it, with jobs where the record is a cron. */
export const work = fc.record({
  ...{ key: recordKey, body, expected: fc.option(version), job: fc.option(job) },
  ...{ ends: fc.array(transition, { maxLength: 2 }), logs: fc.boolean() },
});
type Work = typeof work extends fc.Arbitrary<infer T> ? T : never;

export function workAt({ key, body, expected, job, ends, logs }: Work, now: number): RecordChange {
  return {
    ...recordChange(key, body, expected, now),
    ...(job && { job: jobAt(job, now) }),
    ends: ends.map((end) => transitionAt(end, now)),
    events: logs ? [`["cron.triggered","${key}",null,"",null,null,0,null,null,null,{}]`] : [],
  };
}

/** A change of one record, as the engine makes it: the next version, if the expected one is there. */
export function recordChange(key: string, body: string, expected: number | null, now: number): RecordChange {
  const put = { kind: 'kind', key, version: (expected ?? 0) + 1, createdAt: t0, updatedAt: now, body };
  return { checks: [{ kind: 'kind', key, version: expected }], puts: [put] };
}

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
