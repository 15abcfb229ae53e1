import { State } from '@ojs-ts/core/job';
import fc from 'fast-check';
import { expect } from 'vitest';
import { anyCharacter } from '../../../../core/test/support/text.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import { checkProperty } from '../../support/property.ts';
import { claimOf, idOf, newJob, second, to, uniqueOf } from '../suite/tools.ts';
import { openRedis, test } from './namespace.ts';

const text = fc.string({ unit: anyCharacter, maxLength: 12 }).filter((text) => text.isWellFormed());
const error = fc.record({ code: text, message: text, details: fc.jsonValue({ maxDepth: 2 }) });
const entry = fc.oneof(
  fc.record({ kind: fc.constant('failed'), at: fc.nat(), error }),
  fc.record({ kind: fc.constantFrom('requeued', 'retried'), at: fc.nat(), reason: text }),
);
const spec = fc.record({
  history: fc.array(entry, { maxLength: 24, size: 'max' }),
  trace: fc.option(text),
  worker: text.map((worker) => `w${worker.replaceAll('\n', '')}`),
  envelope: fc.jsonValue(),
  priority: fc.integer({ min: -100, max: 100 }),
  // Dates of two centuries, in milliseconds.
  createdAt: fc.integer({ min: -2_000_000_000_000, max: 4_000_000_000_000 }),
  lives: fc.integer({ min: 0, max: 100_000_000 }),
  late: fc.integer({ min: 0, max: 5000 }),
  by: fc.constantFrom('expires_at', 'enqueue_ttl', 'total_timeout'),
});

/**
 * Scripts decide `cancelled` and `expired`, cut histories and write texts of events: with any texts the memory storage
 * must answer the same.
 */
test('jobs that a script expires or replaces get the texts that core writes', async () => {
  await using model = memoryStorage();
  await using subject = await openRedis();
  const property = fc.asyncProperty(
    spec,
    async ({ history, trace, worker, envelope, priority, createdAt, lives, late, by }) => {
      const expiresAt = createdAt + lives;
      const times = {
        createdAt,
        runAt: createdAt,
        expiresAt,
        laterExpiresAt: expiresAt,
        trace,
        priority,
        envelope: JSON.stringify(envelope),
      };
      const ends = {
        expires_at: {},
        enqueue_ttl: {
          policy: JSON.stringify({
            retry: { nonRetryableErrors: ['"enqueueTtlMs":5', envelope] },
            enqueueTtlMs: lives,
          }),
        },
        total_timeout: { deadlineAt: expiresAt },
      };
      const entries = history.map((entry) => JSON.stringify(entry)).join(',');
      const [expected, actual] = await Promise.all(
        [model, subject].map(async (storage) => {
          await storage.clear();
          const held = newJob(3, { ...times, expiresAt: null, laterExpiresAt: null, unique: uniqueOf() });
          await storage.jobs.insert(
            [
              [newJob(1, { ...times, ...ends[by] }), newJob(2, { ...times, queue: 'later', state: State.scheduled })],
              [held],
            ],
            createdAt,
          );
          await storage.jobs.transition(
            [1, 3].map((number) => to(idOf(number), State.available, State.available, { history: entries })),
            createdAt,
          );
          const answers = [
            await storage.jobs.claim(
              [claimOf({ queues: ['default', 'later'], worker, limit: 9, defaultLeaseMs: second })],
              expiresAt + late,
            ),
            await storage.jobs.insert(
              [[newJob(4, { ...times, unique: uniqueOf({ onConflict: 'replace' }) })]],
              expiresAt + late,
            ),
          ];
          return [
            answers,
            await storage.jobs.get([1, 2, 3, 4].map(idOf)),
            await storage.events(0, 99),
            await storage.registry.limits({ limit: 9 }),
          ];
        }),
      );
      expect(actual).toEqual(expected);
    },
  );
  await checkProperty(property, { atLeast: 20, atMost: 300, ms: 10_000 });
});
