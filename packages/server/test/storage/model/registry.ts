import { eventKinds, isIndexed } from '@ojs-ts/core/events';
import { State } from '@ojs-ts/core/job';
import fc from 'fast-check';
import type { PruneRules } from '../../../src/storage/prune.ts';
import { idOf } from '../suite/tools.ts';
import { lease, number, numbers, worker } from './jobs.ts';
import { allHeld, given, limitKey, optional, pageSize, queue, queueNames, readLog, type Step, step } from './steps.ts';

export const beat: fc.Arbitrary<Step> = step(
  'beat',
  fc.record({
    worker,
    holds: fc.option(
      fc.array(fc.record({ number, claim: fc.option(fc.integer({ min: 1, max: 3 })) }), { maxLength: 4 }),
      { freq: 4 },
    ),
    leaseMs: lease,
    state: fc.constantFrom('running', 'quiet', 'terminate'),
    known: optional(fc.nat({ max: 30 })),
  }),
  (storage, now, { holds, known, ...rest }) =>
    storage.registry.beat(
      [
        {
          ...rest,
          ...(known !== undefined && { knownUntil: now - known }),
          info: '{}',
          holds: holds?.map(({ number, claim }) => ({ id: idOf(number), claim })) ?? null,
        },
      ],
      now,
    ),
);

export const prune: fc.Arbitrary<Step> = step(
  'prune',
  fc.record({
    ago: fc.nat({ max: 100 }),
    keep: fc.nat({ max: 6 }),
    events: fc.nat({ max: 60 }),
    letters: fc.nat({ max: 30 }),
    limit: fc.integer({ min: 1, max: 20 }),
  }),
  (storage, now, { ago, keep, events, letters, limit }) => {
    const before = now - ago;
    const rules: PruneRules = {
      jobs: [
        ...[State.completed, State.cancelled, State.discarded].map((state) => ({
          state,
          deadLetter: false,
          before,
          keep,
        })),
        { state: State.discarded, deadLetter: true, before: before - letters, keep: keep + 1 },
      ],
      events: { before, keep: events },
      workflows: { before, keep },
      statisticsBefore: before,
      requestsBefore: before,
      workersBefore: before,
      limitsBefore: before,
    };
    return storage.upkeep.prune(rules, limit);
  },
);

export const operator: fc.Arbitrary<Step> = fc.oneof(
  step('pause', fc.tuple(queue, fc.boolean()), (storage, now, [name, paused]) =>
    storage.registry.pauseQueue(name, paused, now),
  ),
  step(
    'configure',
    fc.record({
      queue,
      expected: optional(fc.nat({ max: 2 })),
      capacity: fc.constantFrom(0, 1, 2, 3, null),
      config: optional(fc.constantFrom('{"c":1.0}', '{}')),
      limit: optional(fc.option(numbers, { freq: 2 })),
    }),
    (storage, now, { queue, expected, ...patch }) =>
      storage.registry.configureQueue(queue, given(patch), now, expected),
  ),
  step('remove queue', queue, (storage, _, name) => storage.registry.removeQueue(name)),
  step('override', fc.tuple(limitKey, fc.option(numbers, { freq: 1 })), (storage, now, [key, override]) =>
    storage.registry.overrideLimit(key, override, now),
  ),
);

export const upkeep: fc.Arbitrary<Step> = fc.oneof(
  step('promote', pageSize, (storage, now, limit) => storage.upkeep.promote(now, limit)),
  step('lease', fc.tuple(worker, fc.nat({ max: 30 })), (storage, now, [holder, ttl]) =>
    storage.upkeep.lease('l', holder, ttl, now),
  ),
  step('release', worker, (storage, _, holder) => storage.upkeep.release('l', holder)),
  step('direct', fc.tuple(worker, fc.constantFrom('quiet', 'terminate', null)), (storage, _, [name, directive]) =>
    storage.registry.direct(name, directive),
  ),
  step('forget', worker, (storage, _, name) => storage.registry.forgetWorker(name)),
  step(
    'record',
    fc.array(fc.constant('["worker.started","w1",null,"",null,null,0,null,null,null,{}]'), { maxLength: 2 }),
    (storage, now, events) => storage.record(events, now),
  ),
);

export const registryReads: fc.Arbitrary<Step> = fc.oneof(
  step('overdue', pageSize, (storage, now, limit) => storage.upkeep.overdue(now, limit)),
  step('claims of', fc.tuple(worker, fc.constantFrom('r1', 'r2')), (storage, _, [worker, request]) =>
    storage.jobs.claimsOf([{ worker, request }]),
  ),
  step('held', pageSize, (storage, _, limit) => allHeld(storage, limit)),
  step(
    'events',
    fc.tuple(fc.nat({ max: 40 }), pageSize, optional(fc.subarray(eventKinds.filter(isIndexed)))),
    (storage, _, [after, limit, kinds]) => readLog(storage.events(after, limit, kinds)),
  ),
  step(
    'events before',
    fc.tuple(fc.nat({ max: 40 }), pageSize, optional(fc.subarray([...eventKinds]))),
    (storage, _, [before, limit, kinds]) => readLog(storage.eventsBefore(before, limit, kinds)),
  ),
  step('oldest', fc.subarray([...queueNames, 'none']), async (storage, _, queues) =>
    (await storage.registry.oldest(queues)).toSorted((a, b) => (a.queue < b.queue ? -1 : 1)),
  ),
  step('limit', limitKey, (storage, _, key) => storage.registry.limit(key)),
  step('statistics', fc.tuple(fc.nat({ max: 100 }), fc.option(fc.nat({ max: 90_000 }))), (storage, now, [ago, span]) =>
    storage.registry.statistics(now - ago, span === null ? undefined : now - ago + span),
  ),
  step('statistics of queues', fc.subarray([...queueNames, 'none']), (storage, now, queues) =>
    storage.registry.statistics(now - 100_000, undefined, queues),
  ),
);
