import { firstUuidAt, uuidFrom } from '@ojs-ts/core';
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
const documentKey = fc.constantFrom('a', 'b/1');

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

export const documentSteps: fc.Arbitrary<Step> = fc.oneof(
  step(
    'put document',
    fc.tuple(documentKey, fc.constantFrom('1', '{"d":1.0}'), fc.oneof(fc.constantFrom(null, 'any' as const), version)),
    (storage, now, [key, body, expected]) => storage.documents.put('kind', key, body, expected, now),
  ),
  step('append', fc.array(fc.nat({ max: 9 }), { maxLength: 4 }), (storage, now, numbers) =>
    storage.audit.append(
      numbers.map((number) => ({ id: uuidFrom(now - (now % 5_000) + number, 0, 0), entry: `{"n":${number}.0}` })),
    ),
  ),
  step('remove document', documentKey, (storage, _, key) => storage.documents.remove('kind', key)),
);

export const cronReads: fc.Arbitrary<Step> = fc.oneof(
  step('due', pageSize, (storage, now, limit) => storage.crons.due(now, limit)),
  step('unfinished', pageSize, (storage, _, limit) => storage.crons.unfinished(['d', 'none', 'c'], limit)),
  step('cron', name, (storage, _, name) => storage.crons.get(name)),
  step('document', documentKey, (storage, _, key) => storage.documents.get('kind', key)),
  step('audit log', fc.record({ ago: fc.nat({ max: 20_000 }), limit: pageSize }), (storage, now, { ago, limit }) =>
    storage.audit.read({ before: firstUuidAt(now - ago), limit }),
  ),
);
