import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JobContext } from '../../../src/index.ts';
import { Slots } from '../../../src/worker/fetch/slots.ts';
import { openBench } from '../../support/bench.ts';

test('active and reserved slots together never exceed the concurrency', () => {
  const step = fc.oneof(fc.record({ reserve: fc.integer({ min: 1, max: 20 }) }), fc.constantFrom('answer', 'vacate'));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step), (concurrency, steps) => {
      const slots = new Slots(concurrency);
      const fetches: number[] = [];
      for (const one of steps) {
        if (typeof one === 'object') fetches.push(slots.reserve(one.reserve));
        else if (one === 'vacate') {
          if (slots.active > 0) slots.vacate();
        } else {
          const count = fetches.pop() ?? 0;
          slots.release(count);
          for (let n = 0; n < count; n++) expect(slots.occupy()).toBe(true);
        }
        const reserved = fetches.reduce((sum, count) => sum + count, 0);
        expect(slots.free).toBe(concurrency - slots.active - reserved);
        expect(slots.free).toBeGreaterThanOrEqual(0);
      }
      while (slots.free > 0) expect(slots.occupy()).toBe(true);
      expect(slots.occupy()).toBe(false);
    }),
  );
});

test('a worker never runs more handlers than its concurrency, runs every job once, and leaves no slot idle for good', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.record({ turns: fc.nat(4), fails: fc.boolean() }), { minLength: 1, maxLength: 40 }),
      fc.array(fc.constantFrom('before' as const, 'after' as const), { maxLength: 3 }),
      async (concurrency, jobs, faults) => {
        await using bench = await openBench();
        for (const fault of faults)
          bench.wire.spoil('worker.exchange', fault, (call) => call.body?.includes('"acks":[{') === true);
        let running = 0;
        let most = 0;
        const runs = new Map<number, number>();
        const worker = bench.worker({ concurrency });
        worker.register(
          'test.job',
          async ({ args: [index, plan] }: JobContext<[number, { turns: number; fails: boolean }]>) => {
            runs.set(index, (runs.get(index) ?? 0) + 1);
            most = Math.max(most, ++running);
            for (let turn = 0; turn < plan.turns; turn++) await new Promise((resolve) => setImmediate(resolve));
            running--;
            if (plan.fails) throw new Error('no');
          },
        );
        const handles = await bench.client.enqueueBatch(
          jobs.map((plan, index) => ({ type: 'test.job', args: [index, plan], retry: { maxAttempts: 1 } })),
        );
        await worker.runUntil(() => Promise.allSettled(handles.map((job) => job.wait())));
        expect(most).toBeLessThanOrEqual(concurrency);
        expect([...runs.values()].every((count) => count === 1)).toBe(true);
        const stats = await bench.client.queueStats('default');
        const failed = jobs.filter(({ fails }) => fails).length;
        expect(stats).toMatchObject({ completed: jobs.length - failed, discarded: failed, active: 0, available: 0 });
      },
    ),
    { numRuns: 15 },
  );
});
