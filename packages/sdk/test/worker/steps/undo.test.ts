import { describe, expect, test } from 'vitest';
import { Admin, DiscardError, type JobContext, UndoError } from '../../../src/index.ts';
import { openStage, type Stage, storages } from './stage.ts';

/** The jobs that undo others, as they are now. */
async function undos({ embedded }: Stage) {
  await embedded.engine.steps.undo();
  await using admin = new Admin(embedded);
  return (await admin.listJobs({ type: 'test.job.undo' })).items;
}

const once = { retry: { maxAttempts: 1 } };

/** Runs a worker until the job that undoes the steps of the job has ended, and returns it. */
async function undone(stage: Stage, handler: (ctx: JobContext) => unknown, state = 'completed', of = stage.job.id) {
  const square = ({ args: [n] }: JobContext) => Number(n) ** 2;
  const worker = stage.quick().register('test.job', handler).register('square', square);
  return worker.runUntil(async () => {
    const next = async () => (await undos(stage)).find(({ meta }) => meta['ojs.undo_of'] === of);
    await expect.poll(async () => (await next())?.state, { timeout: 10_000 }).toBe(state);
    return next();
  });
}

describe.each(storages)('undo on %s', (storage) => {
  test('a job that fails is undone: each step once, the last one first, with its result and its key', async () => {
    await using stage = await openStage(storage, once);
    const seen: unknown[] = [];
    const job = await undone(stage, async (ctx) => {
      const undo =
        (name: string) => (step: { readonly result: unknown; readonly certain: boolean; readonly key: string }) => {
          seen.push([name, step.result, step.certain, step.key]);
        };
      const { id } = await ctx.step('reserve', () => ({ id: 'r1' }), { undo: undo('reserve') });
      await ctx.step('note', () => seen.push('note'));
      await ctx.step('charge', () => `ch ${id}`, { undo: undo('charge') });
      await ctx.step('ship', () => Promise.reject(new Error('no carrier')), { retry: false, undo: undo('ship') });
      seen.push('never');
    });
    const { id } = stage.job;
    expect(seen).toEqual([
      'note',
      ['ship', undefined, false, `${id}/ship`],
      ['charge', 'ch r1', true, `${id}/charge`],
      ['reserve', { id: 'r1' }, true, `${id}/reserve`],
    ]);
    expect(job?.type).toBe('test.job.undo');
    await using admin = new Admin(stage.embedded);
    const { steps } = await admin.steps(job?.id ?? '');
    expect(steps.flatMap(({ name }) => (name.startsWith('undo:') ? [name] : []))).toEqual([
      'undo:ship',
      'undo:charge',
      'undo:reserve',
    ]);
  });

  test('a step that was only begun is undone, and the replay runs nothing new', async () => {
    await using stage = await openStage(storage, once);
    const seen: string[] = [];
    const cancelled = Promise.withResolvers<void>();
    const worker = stage.quick().register('test.job', async (ctx) => {
      const charge = async () => {
        seen.push('charge');
        await stage.client.cancelJob(stage.job.id);
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
        cancelled.resolve();
      };
      await ctx.step('charge', charge, { undo: ({ certain }) => void seen.push(`undo, certain ${certain}`) });
      await ctx.step('ship', () => seen.push('ship'));
    });
    await worker.runUntil(async () => {
      await cancelled.promise;
      await expect
        .poll(async () => (await undos(stage)).map(({ state }) => state), { timeout: 10_000 })
        .toEqual(['completed']);
    });
    expect(seen).toEqual(['charge', 'undo, certain false']);
  });

  test('an undo that fails does not stop the others, and the job names it in the dead letter', async () => {
    await using stage = await openStage(storage, once);
    const seen: string[] = [];
    let isBroken = true;
    const handler = async (ctx: JobContext) => {
      await ctx.step('first', () => 1, { undo: () => void seen.push('first') });
      const broken = () => {
        if (isBroken) throw new DiscardError('still down');
        seen.push('second');
      };
      await ctx.step('second', () => 2, { undo: broken });
      throw new Error('no');
    };
    const job = await undone(stage, handler, 'discarded');
    expect(seen).toEqual(['first']);
    expect(job?.error?.message).toContain('"second"');
    isBroken = false;
    await using admin = new Admin(stage.embedded);
    await admin.retryDeadLetterJob(job?.id ?? '');
    await undone(stage, handler);
    expect(seen).toEqual(['first', 'second']);
  });

  test('steps that the handler does not have any more are named', async () => {
    await using stage = await openStage(storage, once);
    let isOld = true;
    const seen: string[] = [];
    const handler = async (ctx: JobContext) => {
      if (isOld) await ctx.step('gone', () => 1, { undo: () => {} });
      await ctx.step('kept', () => 1, { undo: () => void seen.push('kept') });
      isOld = false;
      throw new Error('no');
    };
    // Another worker may have them, so the job is tried again.
    const job = await undone(stage, handler, 'retryable');
    expect(seen).toEqual(['kept']);
    expect(job?.error?.message).toContain('the handler has no undo for "gone"');
  });

  test('a sleep before the step, and jobs that it started, are replayed too', async () => {
    await using stage = await openStage(storage, once);
    const seen: unknown[] = [];
    const handler = async (ctx: JobContext) => {
      const squares = await (await ctx.runAll('squares', 'square', [[2], [3]])).results();
      await ctx.sleep('pause', 1);
      await ctx.step('charge', () => squares, { undo: ({ result }) => void seen.push(result, squares) });
      throw new Error('no');
    };
    await undone(stage, handler);
    expect(seen).toEqual([
      [4, 9],
      [4, 9],
    ]);
  });

  test('ctx.undo() undoes what the job has done, once, and the handler continues', async () => {
    await using stage = await openStage(storage, { retry: { maxAttempts: 2, initialInterval: 1 } });
    const seen: string[] = [];
    let crashed = false;
    const worker = stage.quick().register('test.job', async (ctx) => {
      await ctx.step('a', () => 1, { undo: () => void seen.push('undo a') });
      await ctx.step('b', () => 2, { undo: () => void seen.push('undo b') });
      await ctx.undo();
      if (!crashed) {
        crashed = true;
        throw new Error('between');
      }
      return ctx.step('c', () => 'refunded');
    });
    expect(await worker.runUntil(() => stage.job.wait())).toBe('refunded');
    expect(seen).toEqual(['undo b', 'undo a']);
    expect(await undos(stage)).toEqual([]);
  });

  test('a handler whose ctx.undo() failed is undone by the job, and stops there in its replay', async () => {
    await using stage = await openStage(storage, once);
    const seen: string[] = [];
    let isBroken = true;
    await undone(stage, async (ctx) => {
      const undo = () => {
        if (isBroken) {
          isBroken = false;
          throw new DiscardError('still down');
        }
        seen.push('undo');
      };
      await ctx.step('charge', () => 1, { undo });
      await ctx.undo();
      seen.push('never');
    });
    expect(seen).toEqual(['undo']);
  });

  test('a step that had only begun keeps its key when the job runs again from a later step', async () => {
    await using stage = await openStage(storage, once);
    await using admin = new Admin(stage.embedded);
    const { id } = stage.job;
    const keys: string[] = [];
    const noted = Promise.withResolvers<void>();
    const worker = stage.quick().register('test.job', async (ctx) => {
      const charge = async ({ key }: { readonly key: string }) => {
        keys.push(key);
        if (ctx.jobId !== id) return;
        await noted.promise;
        await stage.client.cancelJob(id, { undo: false });
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
      };
      const undo = ({ key }: { readonly key: string }) => void keys.push(`undo ${key}`);
      const charged = ctx.step('charge', charge, { undo });
      await ctx.step('note', () => 1);
      noted.resolve();
      await charged;
      await ctx.undo();
    });
    await worker.runUntil(async () => {
      await expect.poll(async () => (await stage.client.getJob(id)).state).toBe('cancelled');
      const again = await admin.rerunJob(id, { fromStep: 'note' });
      await expect.poll(async () => (await stage.client.getJob(again.job.id)).state).toBe('completed');
    });
    expect(keys).toEqual([`${id}/charge`, `${id}/charge`, `undo ${id}/charge`]);
  });

  test('wrong names and values are refused', async () => {
    await using stage = await openStage(storage, once);
    const messages: string[] = [];
    const worker = stage.quick().register('test.job', async (ctx) => {
      const refused = async (work: Promise<unknown>) =>
        messages.push(await work.then(String, (error: Error) => error.message));
      await refused(ctx.step('undo:a', () => 1));
      await refused(ctx.step('a'.repeat(124), () => 1, { undo: () => {} }));
      await refused(ctx.step('b', () => 1, { undo: JSON.parse('1') }));
    });
    await worker.runUntil(() => stage.job.wait());
    expect(messages).toEqual([
      'A name must not begin with "undo:", got "undo:a".',
      'A step with undo needs a name of 1 to 123 characters, got 124.',
      expect.stringContaining('undo: expected a function'),
    ]);
    expect(new UndoError(['x'], []).message).toBe('Some steps are not undone: the undo of "x" failed.');
  });
});
