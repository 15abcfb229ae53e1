import { describe, expect, test } from 'vitest';
import { ChildError, defineJob, type JobContext } from '../../../src/index.ts';
import { openStage, storages } from './stage.ts';

const square = defineJob<'square', [n: number], { n: number }>('square', { queue: 'kids', retry: { maxAttempts: 1 } });
const caught = (work: Promise<unknown>) => work.catch((error: unknown) => error);

function squared(ctx: JobContext<[n: number]>): { n: number } {
  const [n] = ctx.args;
  if (n < 0) throw new Error(`negative: ${n}`);
  return { n: n * n };
}

describe.each(storages)('jobs that a step starts, on %s', (storage) => {
  test('a handler gets the result of a job, and gives up its slot until then', async () => {
    await using stage = await openStage(storage);
    const starts: number[] = [];
    const worker = stage
      .quick({ queues: ['default', 'kids'], concurrency: 1 })
      .register(square, (ctx) => {
        starts.push(ctx.args[0]);
        return squared(ctx);
      })
      .register('test.job', async (ctx) => {
        const { n } = await ctx.run('first', square, [3]);
        const two = await Promise.all([ctx.run('a', square, [n]), ctx.run('b', square, [n + 1])]);
        return two.map((one) => one.n);
      });
    expect(await worker.runUntil(() => stage.job.wait())).toEqual([81, 100]);
    expect(starts.toSorted((a, b) => a - b)).toEqual([3, 9, 10]);
  });

  test('a job that fails throws its error, in each execution', async () => {
    await using stage = await openStage(storage);
    const errors: unknown[] = [];
    const worker = stage
      .quick({ queues: ['default', 'kids'] })
      .register(square, squared)
      .register('test.job', async (ctx) => {
        const error = await caught(ctx.run('bad', square, [-1]));
        errors.push(error);
        await ctx.sleep('pause', 1_100);
        return error instanceof ChildError && error.child.state;
      });
    expect(await worker.runUntil(() => stage.job.wait())).toBe('failed');
    expect(errors.length).toBeGreaterThanOrEqual(2);
    for (const error of errors) {
      expect(error).toBeInstanceOf(ChildError);
      expect(String(error)).toContain('negative: -1');
    }
  });

  test('a thousand jobs, whose results are read in pages', { timeout: 60_000 }, async () => {
    await using stage = await openStage(storage);
    const args = Array.from({ length: 1_000 }, (_, n): [n: number] => [n]);
    const worker = stage
      .quick({ queues: ['default', 'kids'], concurrency: 50 })
      .register(square, squared)
      .register('test.job', async (ctx) => {
        const kids = await ctx.runAll('squares', square, args);
        let sum = 0;
        for await (const { result } of kids) sum += result?.n ?? Number.NaN;
        return [kids.total, kids.completed, kids.failed, sum, (await kids.results()).length];
      });
    const sum = args.reduce((all, [n]) => all + n * n, 0);
    expect(await worker.runUntil(() => stage.job.wait())).toEqual([1_000, 1_000, 0, sum, 1_000]);
    expect(stage.wire.of('workflow.create')).toHaveLength(1);
    expect(stage.wire.of('workflow.results').length).toBeLessThanOrEqual(6);
  });

  test('some failed jobs do not throw, but reading all results does', async () => {
    await using stage = await openStage(storage);
    const worker = stage
      .quick({ queues: ['default', 'kids'] })
      .register(square, squared)
      .register('test.job', async (ctx) => {
        const kids = await ctx.runAll('squares', square, [[1], [-2], [3]]);
        const states: string[] = [];
        for await (const { index, state, error } of kids)
          states.push(`${index} ${state} ${error?.message ?? ''}`.trim());
        return [kids.completed, kids.failed, states, (await caught(kids.results())) instanceof ChildError];
      });
    expect(await worker.runUntil(() => stage.job.wait())).toEqual([
      2,
      1,
      ['0 completed', '1 failed negative: -2', '2 completed'],
      true,
    ]);
  });

  test('the jobs of a cancelled job are cancelled', async () => {
    await using stage = await openStage(storage);
    const worker = stage.quick().register('test.job', (ctx) => ctx.runAll('squares', square, [[1], [2]]));
    await worker.runUntil(async () => {
      await stage.suspended(1);
      await stage.client.cancelJob(stage.job.id);
    });
    await stage.embedded.engine.children.tend();
    const [workflow] = (await stage.client.listWorkflows()).items;
    expect(workflow?.state).toBe('cancelled');
  });
});
