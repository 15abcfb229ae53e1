import { describe, expect, test } from 'vitest';
import {
  DiscardError,
  JobFailedError,
  StepError,
  StepKindError,
  StepLimitError,
  StepNameError,
  StepNestedError,
} from '../../../src/index.ts';
import { retryMiddleware } from '../../../src/middleware/index.ts';
import { gate } from '../../support/bench.ts';
import { openStage, storages } from './stage.ts';

/** Rejects with any error, as a value. */
const caught = (work: Promise<unknown>) => work.catch((error: unknown) => error);

describe.each(storages)('steps on %s', (storage) => {
  test('a recorded step does not run again, and its value is what JSON keeps', async () => {
    await using stage = await openStage(storage);
    const values: unknown[] = [];
    let ran = 0;
    const worker = stage.quick().register('test.job', async (ctx) => {
      const value = await ctx.step('first', ({ name, key, attempt }) => {
        ran++;
        return { name, isKey: key === `${ctx.jobId}/first`, attempt, at: new Date(0), none: undefined };
      });
      values.push(value);
      await ctx.step('nothing', () => {});
      if (ctx.attempt < 2) throw new Error('once');
      return ran;
    });
    expect(await worker.runUntil(() => stage.job.wait())).toBe(1);
    const kept = { name: 'first', isKey: true, attempt: 1, at: '1970-01-01T00:00:00.000Z' };
    expect(values).toEqual([kept, kept]);
    expect(Object.keys(values[0] ?? {})).not.toContain('none');
  });

  test('the steps of one turn share a request', async () => {
    await using stage = await openStage(storage);
    const worker = stage.quick().register('test.job', async (ctx) => {
      const places = Array.from({ length: 20 }, (_, place) => place);
      return await Promise.all(places.map((place) => ctx.step(`step ${place}`, () => place)));
    });
    expect(await worker.runUntil(() => stage.job.wait())).toHaveLength(20);
    expect(stage.wire.of('worker.steps')).toHaveLength(1);
  });

  test('rows and values beyond those that come with the job are read when they are asked for', async () => {
    await using stage = await openStage(storage);
    let ran = 0;
    const worker = stage.quick().register('test.job', async (ctx) => {
      const sizes: number[] = [];
      for (let place = 0; place < 40; place++) {
        const text = await ctx.step(`step ${place}`, () => {
          ran++;
          return 'x'.repeat(place % 2 === 0 ? 5_000 : 900);
        });
        sizes.push(text.length);
      }
      if (ctx.attempt < 2) throw new Error('once');
      return [ran, sizes.reduce((sum, size) => sum + size, 0)];
    });
    expect(await worker.runUntil(() => stage.job.wait())).toEqual([40, 20 * 5_900]);
  });

  test('a request without an answer is repeated, and the step runs once', async () => {
    await using stage = await openStage(storage);
    let ran = 0;
    stage.wire.spoil('worker.steps', 'after');
    stage.wire.spoil('worker.steps', 'before');
    const worker = stage.quick().register('test.job', (ctx) => ctx.step('first', () => ++ran));
    expect(await worker.runUntil(() => stage.job.wait())).toBe(1);
    expect(stage.wire.of('worker.steps')).toHaveLength(3);
  });

  test('a step whose worker dies before the record runs again with the same key', async () => {
    await using stage = await openStage(storage);
    const keys: string[] = [];
    let recorded = 0;
    const sent = gate();
    const dead = stage.quick({ shutdownTimeout: 0 }).register('test.job', async (ctx) => {
      await ctx.step('recorded', () => void recorded++);
      stage.wire.spoil('worker.steps', async () => {
        sent.open();
        return await new Promise(() => {});
      });
      await ctx.step('effect', ({ key }) => void keys.push(key));
    });
    await dead.runUntil(() => sent.opened);
    const next = stage.quick().register('test.job', async (ctx) => {
      await ctx.step('recorded', () => void recorded++);
      await ctx.step('effect', ({ key }) => void keys.push(key));
    });
    await next.runUntil(() => stage.job.wait());
    expect(recorded).toBe(1);
    expect(keys).toEqual([`${stage.job.id}/effect`, `${stage.job.id}/effect`]);
  });

  test('a worker that has lost the job records nothing, and its handler does not go on', async () => {
    await using stage = await openStage(storage);
    const after: string[] = [];
    const ran = gate();
    const worker = stage.quick({ heartbeatInterval: 5_000 }).register('test.job', async (ctx) => {
      try {
        await ctx.step('late', async () => {
          await stage.client.cancelJob(ctx.jobId);
        });
        after.push('returned');
      } catch {
        after.push('caught');
      } finally {
        after.push('finally');
      }
    });
    worker.register('other.job', () => ran.open());
    // It needs the slot of the frozen handler.
    await stage.client.enqueue('other.job', []);
    await worker.runUntil(() => ran.opened);
    await stage.wire.until(() => stage.logger.lines.some(({ message }) => message === 'job lost'));
    expect(after).toEqual([]);
  });

  test('the job counts no attempt for the tries of a step, and fails for good with the last one', async () => {
    await using stage = await openStage(storage, { retry: { maxAttempts: 3, initialInterval: 1 } });
    const tries: number[] = [];
    const worker = stage.quick().register('test.job', async (ctx) => {
      await ctx.step('fails', ({ attempt }) => {
        tries.push(attempt);
        throw new TypeError('no');
      });
    });
    const error = await worker.runUntil(() => caught(stage.job.wait()));
    expect(tries).toEqual([1, 2, 3]);
    expect(error).toBeInstanceOf(JobFailedError);
    expect(await stage.client.getJob(stage.job.id)).toMatchObject({ state: 'discarded', attempt: 1 });
    expect(error).toMatchObject({ errors: [{ type: 'TypeError' }] });
  });

  test('a failure that is caught is the same in each execution', async () => {
    await using stage = await openStage(storage);
    const errors: unknown[] = [];
    const worker = stage.quick().register('test.job', async (ctx) => {
      errors.push(await caught(ctx.step('final', () => Promise.reject(new DiscardError('no')))));
      if (ctx.attempt < 2) throw new Error('once');
    });
    await worker.runUntil(() => stage.job.wait());
    const expected = { name: 'StepError', step: 'final', attempts: 1, type: 'DiscardError' };
    expect(errors).toMatchObject([expected, expected]);
    expect(String(errors[1])).toBe(String(errors[0]));
  });

  test('the steps of a handler that has returned are recorded before its job ends', async () => {
    await using stage = await openStage(storage);
    const returned = gate();
    const worker = stage.quick().register('test.job', (ctx) => {
      ctx.step('slow', () => returned.opened.then(() => 7));
      ctx.step('fails', () => Promise.reject(new Error('nobody sees it')), { retry: false });
      return 'done';
    });
    worker.middleware(async (_, next) => {
      const result = await next();
      setImmediate(returned.open);
      return result;
    });
    expect(await worker.runUntil(() => stage.job.wait())).toBe('done');
    const sent = stage.wire.calls.map(({ operation, body = '' }) => ({ operation, body }));
    const recorded = sent.findIndex(({ body }) => body.includes('"value":7'));
    expect(recorded).toBeGreaterThan(-1);
    expect(sent.findIndex(({ body }) => body.includes('"result":"done"'))).toBeGreaterThan(recorded);
  });

  test('a job is enqueued once, although its answer was lost and its worker failed', async () => {
    await using stage = await openStage(storage);
    const ids: string[] = [];
    stage.wire.spoil('job.enqueue', 'after');
    const worker = stage.quick().register('test.job', async (ctx) => {
      ids.push(await ctx.enqueue('mail', 'mail.send', ['x'], { queue: 'mail' }));
      if (ctx.attempt < 2) throw new Error('once');
    });
    await worker.runUntil(() => stage.job.wait());
    expect(ids[1]).toBe(ids[0]);
    expect((await stage.client.getJob(ids[0] ?? '')).type).toBe('mail.send');
    const { items } = await stage.embedded.engine.storage.jobs.list({ states: 1023, limit: 10 });
    expect(items).toHaveLength(2);
  });

  test('a job is enqueued once by a client, through its middleware', async () => {
    await using stage = await openStage(storage);
    stage.client.enqueueMiddleware((request, next) => next({ ...request, meta: { ...request.meta, seen: true } }));
    const worker = stage.quick({ client: stage.client }).register('test.job', (ctx) => ctx.enqueue('mail', 'a.b', []));
    const id = await worker.runUntil(() => stage.job.wait());
    expect((await stage.client.getJob(String(id))).meta).toMatchObject({ seen: true });
  });

  test('a middleware that runs the handler again in the same execution repeats no step', async () => {
    await using stage = await openStage(storage);
    let [ran, runs] = [0, 0];
    const worker = stage.quick().register('test.job', async (ctx) => {
      await ctx.step('first', () => ++ran);
      if (++runs === 1) throw new Error('once');
      return [ran, runs, ctx.attempt];
    });
    worker.middleware(retryMiddleware({ baseDelay: 1 }));
    expect(await worker.runUntil(() => stage.job.wait())).toEqual([1, 2, 1]);
  });

  test('mistakes in names, kinds, nesting, values and options', async () => {
    await using stage = await openStage(storage);
    const errors: unknown[] = [];
    const worker = stage.quick().register('test.job', async (ctx) => {
      await ctx.step('once', () => 1);
      if (ctx.attempt === 1) {
        errors.push(await caught(ctx.step('once', () => 1)), await caught(ctx.step('', () => 1)));
        errors.push(await caught(ctx.step('x'.repeat(129), () => 1)));
        await ctx.step('outer', async () => errors.push(String(await caught(ctx.sleep('inner', 1)))));
        errors.push(await caught(ctx.step('large', () => 'x'.repeat(1_048_577))));
        errors.push(await caught(ctx.step('lost', () => new Map())));
        errors.push(await caught(ctx.sleep('long', '3651d')));
        throw new Error('once');
      }
      errors.push(
        await caught(ctx.step('large', () => 'runs no more')),
        await caught(ctx.poll('outer', () => 1, { every: 1 })),
      );
    });
    await worker.runUntil(() => stage.job.wait());
    expect(errors.map((error) => (error instanceof Error ? error.constructor : error))).toEqual([
      ...[StepNameError, StepNameError, StepNameError],
      expect.stringMatching(`${StepNestedError.name}.*"inner" is called inside of the step "outer"`),
      ...[StepLimitError, StepError, expect.anything(), StepLimitError, StepKindError],
    ]);
    expect(errors[5]).toMatchObject({ type: 'invalid_result' });
  });
});
