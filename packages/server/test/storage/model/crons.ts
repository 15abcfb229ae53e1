import type { RecordChange } from '@ojs-ts/core/memory';
import fc from 'fast-check';
import { t0 } from '../suite/tools.ts';
import { job, jobAt, transition, transitionAt } from './jobs.ts';
import { cronNames, optional, pageSize, type Step, step } from './steps.ts';

const name = fc.constantFrom(...cronNames);
/** The version of a new cron is its time of creation. So scripts create all crons at the same time. */
export const firstVersion = t0;
const version = fc.constantFrom(1, 1, 2, 2, 3, 4);
const cronVersion = version.map((count) => firstVersion + count - 1);
const delay = fc.option(fc.integer({ min: 0, max: 40 }));
const recordKey = fc.constantFrom('a', 'b/1', 'c');

const firing = fc.record({
  name,
  version: cronVersion,
  delay,
  job: fc.option(job),
  cancels: fc.array(transition, { maxLength: 2 }),
  told: fc.boolean(),
});

/** Both crons, due at once. */
export const cronOpening: readonly Step[] = cronNames.map((name) => ({
  name: `open ${name}`,
  call: (storage, now) => storage.crons.put({ name, spec: '{}', enabled: true, dueAt: now }, firstVersion),
}));

export const cronSteps: fc.Arbitrary<Step> = fc.oneof(
  step(
    'put cron',
    fc.record({ name, enabled: fc.boolean(), delay, expected: optional(cronVersion) }),
    (storage, now, { delay, expected, ...rest }) =>
      storage.crons.put(
        { ...rest, spec: '{"s":1.0}', dueAt: delay === null ? null : now + delay },
        firstVersion,
        expected,
      ),
  ),
  step('fire', fc.array(firing, { minLength: 1, maxLength: 3 }), (storage, now, firings) =>
    storage.crons.fire(
      firings.map(({ name, version, delay, job, cancels, told }) => ({
        name,
        version,
        dueAt: delay === null ? null : now + delay,
        job: job && jobAt(job, now),
        cancels: cancels.map((cancel) => transitionAt(cancel, now)),
        events: told ? [`["cron.triggered","${name}",null,"",null,null,0,null,null,null,{}]`] : [],
      })),
      now,
    ),
  ),
  step('remove cron', name, (storage, _, name) => storage.crons.remove(name)),
);

/** A change of one record, as the engine makes it: the next version, if the expected one is there. */
export function recordChange(key: string, body: string, expected: number | null, now: number): RecordChange {
  const put = { kind: 'kind', key, version: (expected ?? 0) + 1, createdAt: t0, updatedAt: now, body };
  return { checks: [{ kind: 'kind', key, version: expected }], puts: [put] };
}

export const recordSteps: fc.Arbitrary<Step> = fc.oneof(
  step(
    'commit',
    fc.array(fc.tuple(recordKey, fc.constantFrom('1', '{"d":1.0}'), fc.option(version)), { maxLength: 3 }),
    (storage, now, changes) =>
      storage.records.commit(changes.map(([key, body, expected]) => recordChange(key, body, expected, now))),
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

export const cronReads: fc.Arbitrary<Step> = fc.oneof(
  step('due', pageSize, (storage, now, limit) => storage.crons.due(now, limit)),
  step('unfinished', pageSize, (storage, _, limit) => storage.crons.unfinished(['d', 'none', 'c'], limit)),
  step('cron', name, (storage, _, name) => storage.crons.get(name)),
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
