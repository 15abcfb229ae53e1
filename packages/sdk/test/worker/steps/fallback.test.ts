import { describe, expect, test } from 'vitest';
import { DiscardError, type JobContext, StepError, StepKindError } from '../../../src/index.ts';
import { openBench } from '../../support/bench.ts';
import { Unaware } from './unaware.ts';

/** Runs one job on a server without x-steps, and returns its result. */
async function run(handler: (context: JobContext) => unknown): Promise<unknown> {
  await using bench = await openBench();
  const job = await bench.client.enqueue('test.job', [], { retry: { maxAttempts: 2, initialInterval: 1 } });
  const worker = bench.worker({}, new Unaware(bench.embedded)).register('test.job', handler);
  return await worker.runUntil(() => job.wait());
}

describe('on a server without x-steps', () => {
  test('a step runs once, and its result is in the checkpoint beside the own state of the handler', async () => {
    let ran = 0;
    const seen: unknown[] = [];
    const result = await run(async (ctx) => {
      seen.push(ctx.lastCheckpoint);
      const first = await ctx.step('first', () => ({ at: new Date(0), ran: ++ran }));
      if (ctx.attempt === 1) {
        await ctx.checkpoint('mine');
        throw new Error('once');
      }
      return first;
    });
    expect(result).toEqual({ at: '1970-01-01T00:00:00.000Z', ran: 1 });
    expect(seen).toEqual([undefined, 'mine']);
  });

  test('a checkpoint that is saved before the first step of an execution keeps the rows', async () => {
    let ran = 0;
    const result = await run(async (ctx) => {
      if (ctx.attempt === 2) await ctx.checkpoint('second');
      const value = await ctx.step('one', () => ++ran);
      if (ctx.attempt === 1) throw new Error('once');
      return [value, ctx.lastCheckpoint];
    });
    expect(result).toEqual([1, 'second']);
  });

  test('a failed step is recorded, and throws the same error in the next execution', async () => {
    let ran = 0;
    const result = await run(async (ctx) => {
      const fail = () => {
        ran++;
        throw new DiscardError('no');
      };
      const error: unknown = await ctx.step('fails', fail).catch((thrown: unknown) => thrown);
      if (ctx.attempt === 1) throw new Error('once');
      return error instanceof StepError && { step: error.step, type: error.type, attempts: error.attempts, ran };
    });
    expect(result).toEqual({ step: 'fails', type: 'DiscardError', attempts: 1, ran: 1 });
  });

  test('a sleep holds the slot, and one of more than 15 minutes names the extension', async () => {
    const result = await run(async (ctx) => {
      await ctx.sleep('short', 5);
      return await ctx.sleep('long', '16m').catch(String);
    });
    expect(result).toMatch(/x-steps.*15 minutes at most; got 16 minutes/);
  });

  test('a poll probes again, and gives up after its timeout', async () => {
    let probes = 0;
    const result = await run(async (ctx) => [
      await ctx.poll('third', () => (++probes === 3 ? probes : undefined), { every: 1 }),
      await ctx.poll('never', () => undefined, { every: 1, timeout: 5 }),
    ]);
    expect(result).toEqual([3, null]);
  });

  test('a name of another kind is refused', async () => {
    const result = await run(async (ctx) => {
      if (ctx.attempt === 1) {
        await ctx.step('a', () => 1);
        throw new Error('once');
      }
      return await ctx.sleep('a', 1).catch((error: unknown) => error instanceof StepKindError && String(error));
    });
    expect(result).toMatch(/"a" is recorded as run, and the handler now uses the name for sleep/);
  });

  test('a job that times out while its handler waits frees its slot once', async () => {
    await using bench = await openBench();
    const job = await bench.client.enqueue('test.job', [], { retry: { maxAttempts: 1 }, timeoutMs: 30 });
    const worker = bench.worker({}, new Unaware(bench.embedded)).register('test.job', (ctx) => ctx.sleep('long', '5m'));
    const active = await worker.runUntil(async () => {
      await job.wait().catch(() => {});
      return worker.health().active;
    });
    expect(active).toBe(0);
  });

  test('a wait that has lost a race does not hold the job', async () => {
    const result = await run((ctx) => Promise.race([ctx.sleep('long', '10m'), ctx.step('first', () => 'first')]));
    expect(result).toBe('first');
  });

  test('a wait for a signal says which extension the server lacks', async () => {
    const message = await run((ctx) => ctx.wait('x').catch(String));
    expect(message).toBe(
      'OJSError: ctx.wait() needs a server with durable steps (the extension x-steps), and this one has none.',
    );
  });
});
