import { describe, expect, test } from 'vitest';
import { SnoozeError, Suspended } from '../../../src/index.ts';
import { gate } from '../../support/bench.ts';
import { openStill, storages } from './stage.ts';

const hour = 3_600_000;

describe.each(storages)('waits on %s', (storage) => {
  test('a sleep gives up the slot, and the handler continues in another execution', async () => {
    await using stage = await openStill(storage);
    const seen: string[] = [];
    const other = gate();
    const worker = stage.quick({ concurrency: 1 }).register('test.job', async (ctx) => {
      seen.push('start');
      await ctx.step('first', () => seen.push('first'));
      try {
        await ctx.sleep('night', '8h');
      } finally {
        seen.push('finally');
      }
      return ctx.attempt;
    });
    worker.register('other.job', () => other.open());
    await stage.client.enqueue('other.job', []);
    await worker.runUntil(async () => {
      await stage.suspended(1);
      await other.opened;
      expect((await stage.client.getJob(stage.job.id)).state).toBe('retryable');
      expect(seen).toEqual(['start', 'first']);
      await stage.advance(8 * hour);
      expect(await stage.job.wait()).toBe(1);
    });
    expect(seen).toEqual(['start', 'first', 'start', 'finally']);
  });

  test('a date, two sleeps at once, and an early wake', async () => {
    await using stage = await openStill(storage);
    const start = Date.now();
    let runs = 0;
    const worker = stage.quick().register('test.job', async (ctx) => {
      runs++;
      await Promise.all([ctx.sleep('date', new Date(start + 2 * hour)), ctx.sleep('shorter', '1h')]);
      return 'both';
    });
    await worker.runUntil(async () => {
      await stage.suspended(1);
      await stage.advance(hour);
      await stage.suspended(2);
      // The date is by another clock, which is a little ahead.
      await stage.advance(2 * hour);
      expect(await stage.job.wait()).toBe('both');
    });
    expect(runs).toBe(3);
  });

  test('middleware sees a SnoozeError, and the next execution', async () => {
    await using stage = await openStill(storage);
    const seen: unknown[] = [];
    const worker = stage.quick().register('test.job', (ctx) => ctx.sleep('night', '8h'));
    worker.middleware(async (_, next) => {
      try {
        const result = await next();
        seen.push('end');
        return result;
      } catch (error) {
        seen.push(error);
        throw error;
      }
    });
    await worker.runUntil(async () => {
      await stage.suspended(1);
      await stage.advance(8 * hour);
      await stage.job.wait();
    });
    expect(seen).toEqual([expect.any(Suspended), 'end']);
    expect(seen[0]).toBeInstanceOf(SnoozeError);
    expect(seen[0]).toMatchObject({ waits: ['night'] });
  });

  test('a failed try waits without the worker, and counts no attempt', async () => {
    await using stage = await openStill(storage);
    const tries: number[] = [];
    const worker = stage.quick().register('test.job', async (ctx) => {
      const retry = { maxAttempts: 3, initialInterval: hour, maxInterval: hour, jitter: false };
      const fails = ({ attempt }: { attempt: number }) => {
        tries.push(attempt);
        if (attempt < 3) throw new TypeError('not yet');
        return attempt;
      };
      return [await ctx.step('flaky', fails, { retry }), ctx.attempt];
    });
    await worker.runUntil(async () => {
      for (const count of [1, 2]) {
        await stage.suspended(count);
        await stage.advance(hour);
      }
      expect(await stage.job.wait()).toEqual([3, 1]);
    });
    expect(tries).toEqual([1, 2, 3]);
  });

  test('a poll probes once an execution, and gives up at its end', async () => {
    await using stage = await openStill(storage);
    const probes = { ready: 0, never: 0 };
    const worker = stage.quick().register('test.job', async (ctx) => {
      const ready = await ctx.poll('ready', () => (++probes.ready === 3 ? { rows: 7 } : undefined), { every: '1h' });
      const options = { every: '1h', timeout: '90m' } as const;
      return [ready, (await ctx.poll('never', () => void probes.never++, options)) ?? 'late', ctx.attempt];
    });
    await worker.runUntil(async () => {
      for (const count of [1, 2, 3, 4]) {
        await stage.suspended(count);
        await stage.advance(hour);
      }
      expect(await stage.job.wait()).toEqual([{ rows: 7 }, 'late', 1]);
    });
    expect(probes.ready).toBe(3);
    expect(probes.never).toBeGreaterThanOrEqual(2);
  });

  test('a race has the same winner in each execution', async () => {
    await using stage = await openStill(storage);
    const winners: string[] = [];
    const worker = stage.quick().register('test.job', async (ctx) => {
      const ended = gate();
      const slow = ctx.step('slow', () => ended.opened).then(() => 'slow');
      const fast = ctx.step('fast', () => ended.open()).then(async () => 'fast');
      winners.push(await Promise.race([slow, fast]));
      await Promise.all([slow, fast]);
      await ctx.sleep('night', '8h');
    });
    await worker.runUntil(async () => {
      await stage.suspended(1);
      await stage.advance(8 * hour);
      await stage.job.wait();
    });
    expect(winners).toEqual([winners[0], winners[0]]);
  });

  test('code beside a wait that takes longer is cut off, and the next executions have more time', async () => {
    await using stage = await openStill(storage);
    const slow = gate();
    let runs = 0;
    const worker = stage.quick().register('test.job', async (ctx) => {
      runs++;
      const night = ctx.sleep('night', '8h');
      await slow.opened;
      await ctx.step('after', () => 1);
      await night;
    });
    await worker.runUntil(async () => {
      await stage.suspended(1);
      slow.open();
      await stage.advance(8 * hour);
      await stage.job.wait();
    });
    expect(runs).toBe(2);
    expect(stage.logger.lines).toContainEqual({
      level: 'warn',
      message: expect.stringMatching('^suspended too early'),
      fields: expect.objectContaining({ job_type: 'test.job', suspend_after_ms: 2 }),
    });
  });
});
