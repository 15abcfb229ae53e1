import { expect, test } from 'vitest';
import { Client, chain, type ExecutionMiddleware, group, SnoozeError, Worker } from '../../src/index.ts';
import {
  allEnqueued,
  assertCompleted,
  assertFailed,
  assertJobState,
  assertPerformed,
  drain,
  inlineMode,
  refutePerformed,
} from '../../src/testing/index.ts';

const client = new Client('http://localhost:9');

test('inline mode runs a job before enqueue returns, inside both chains, without its delay', async () => {
  using store = inlineMode();
  const seen: string[] = [];
  const around: ExecutionMiddleware = async (ctx, next) => {
    seen.push(`run ${String(ctx.meta.by)}`);
    return next();
  };
  const own = new Client('http://localhost:9').enqueueMiddleware(async (request, next) => {
    request.meta = { by: 'middleware' };
    return next(request);
  });
  store.useWorker(
    new Worker('http://localhost:9').middleware(around).register('email.send', async ({ args }) => {
      await client.enqueue('audit.write', [args[0]]);
      return { sent: true };
    }),
  );
  store.registerHandler('audit.write', ({ args }) => seen.push(`audit ${String(args[0])}`));
  const job = await own.enqueue('email.send', ['a'], { delay: '1d' });
  expect(seen).toEqual(['run middleware', 'audit a']);
  assertPerformed('email.send');
  assertCompleted('email.send');
  assertJobState(job.id, 'completed');
  expect(await job.wait()).toEqual({ sent: true });
  expect(await drain()).toBe(0);
});

test('inline mode rejects enqueue with the handler’s error, and retries nothing', async () => {
  using store = inlineMode();
  const broken = new RangeError('broken');
  let runs = 0;
  store.registerHandler('email.send', () => {
    runs += 1;
    throw broken;
  });
  await expect(client.enqueue('email.send', ['a'])).rejects.toBe(broken);
  expect(runs).toBe(1);
  assertFailed('email.send');
  expect(allEnqueued()[0]).toMatchObject({ state: 'discarded', attempt: 1, error: { message: 'broken' } });
  await expect(
    client.enqueueBatch([
      { type: 'email.send', args: ['b'] },
      { type: 'email.send', args: ['c'] },
    ]),
  ).rejects.toBe(broken);
  expect(runs).toBe(2);
  await expect(Promise.all([client.enqueue('email.send', ['d']), client.enqueue('email.send', ['e'])])).rejects.toBe(
    broken,
  );
});

test('a job without a handler, a duplicate and a snooze', async () => {
  using store = inlineMode();
  await expect(client.enqueue('email.send', [])).rejects.toThrow(/Inline mode: there is no handler for email\.send/);
  store.registerHandler('email.send', () => {
    throw new SnoozeError('1m');
  });
  const unique = { keys: ['type', 'args'], onConflict: 'ignore' } as const;
  const first = await client.enqueue('email.send', ['a'], { unique });
  const second = await client.enqueue('email.send', ['a'], { unique });
  expect(second).toMatchObject({ id: first.id, outcome: 'duplicate', state: 'retryable', attempt: 0 });
  assertPerformed('email.send', { count: 1 });
});

test('the steps of a workflow are run one after the other, with the results of their parents', async () => {
  using store = inlineMode();
  store.registerHandler('step.one', () => 1);
  store.registerHandler('step.more', ({ parentResults }) =>
    parentResults.reduce((sum: number, value) => sum + Number(value), 1),
  );
  const step = (type: string) => ({ type, args: [] });
  const workflow = await client.workflow(chain('sum', [step('step.one'), step('step.more'), step('step.more')]));
  expect((await client.getWorkflow(workflow.id)).state).toBe('completed');
  expect(allEnqueued().map(({ result }) => result)).toEqual([1, 2, 4]);
  store.failNext('step.one', new Error('no'));
  await expect(client.workflow(group('pair', [step('step.one'), step('step.one')]))).rejects.toThrow('no');
  assertPerformed('step.one', { count: 3 });
  await expect(client.workflow(chain('none', [step('step.none'), step('step.one')]))).rejects.toThrow(
    /no handler for step\.none/,
  );
  refutePerformed('step.none');
});
