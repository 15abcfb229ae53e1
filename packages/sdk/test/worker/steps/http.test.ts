import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { Admin, Client, defineSignal, Worker } from '../../../src/index.ts';
import { keepingLogger } from '../../support/log.ts';

test('steps over HTTP: recorded, read again, suspended and listed', async () => {
  const server = await startServer({ storage: 'sqlite:', host: '127.0.0.1', port: 0, log: false });
  try {
    await using client = new Client(server.url);
    await using admin = new Admin(server.url);
    const job = await client.enqueue('test.job', [], { retry: { maxAttempts: 2, initialInterval: 1 } });
    let ran = 0;
    const options = { handleSignals: false, heartbeatThread: false, suspendAfter: 1, logger: keepingLogger() };
    const worker = new Worker(server.url, options).register('test.job', async (ctx) => {
      const values = await Promise.all(
        Array.from({ length: 5 }, (_, place) =>
          ctx.step(`step ${place}`, () => {
            ran++;
            return 'x'.repeat(2_000 * place);
          }),
        ),
      );
      if (ctx.attempt === 1 && ran === 5) {
        ran++;
        throw new Error('once');
      }
      await ctx.sleep('pause', 1_001);
      return values.map((value) => value.length);
    });
    expect(await worker.runUntil(() => job.wait())).toEqual([0, 2_000, 4_000, 6_000, 8_000]);
    expect(ran).toBe(6);
    const { steps } = await admin.steps(job.id);
    expect(steps.map(({ name, kind, state }) => [name, kind, state])).toContainEqual(['step 4', 'run', 'done']);
    expect(steps.map(({ number }) => number)).toEqual(steps.map(({ number }) => number).toSorted((a, b) => a - b));
  } finally {
    await server.close();
  }
});

test('a job runs again from a step: the steps before it keep their results, and the handler runs the others', async () => {
  const server = await startServer({ storage: 'sqlite:', host: '127.0.0.1', port: 0, log: false });
  try {
    await using client = new Client(server.url);
    await using admin = new Admin(server.url);
    const job = await client.enqueue('test.job', []);
    const ran: string[] = [];
    const options = { handleSignals: false, heartbeatThread: false, logger: keepingLogger() };
    const worker = new Worker(server.url, options).register('test.job', async (ctx) => {
      const step = (name: string) => ctx.step(name, () => `${name} ${ran.push(name)}`);
      return [await step('load'), await step('count'), await step('send')];
    });
    const [first, second] = await worker.runUntil(async () => {
      const result = await job.wait();
      const again = await admin.rerunJob(job.id, { fromStep: 'count' });
      expect(again.job.meta['ojs.rerun_of']).toBe(job.id);
      await expect(admin.rerunJob(job.id, { fromStep: 'send' })).rejects.toMatchObject({ code: 'steps_moved' });
      await expect(admin.undo(again.job.id)).rejects.toMatchObject({ code: 'conflict' });
      await expect.poll(async () => (await client.getJob(again.job.id)).state).toBe('completed');
      return [result, (await client.getJob(again.job.id)).result];
    });
    expect(first).toEqual(['load 1', 'count 2', 'send 3']);
    expect(second).toEqual(['load 1', 'count 4', 'send 5']);
    expect(ran).toEqual(['load', 'count', 'send', 'count', 'send']);
  } finally {
    await server.close();
  }
});

test('signals over HTTP: to a job that waits, and under a token', async () => {
  const server = await startServer({ storage: 'sqlite:', host: '127.0.0.1', port: 0, log: false });
  try {
    await using client = new Client(server.url);
    await using admin = new Admin(server.url);
    const approval = defineSignal<{ by: string }>('approval');
    const job = await client.enqueue('test.job', []);
    expect(await client.signalToken('invoice:1', [1])).toBe('kept');
    const options = { handleSignals: false, heartbeatThread: false, suspendAfter: 1, logger: keepingLogger() };
    const worker = new Worker(server.url, options).register('test.job', async (ctx) => {
      const paid = await ctx.wait('paid', { token: 'invoice:1', timeout: '1d' });
      return [paid, await ctx.wait(approval), await ctx.wait(approval, { as: 'second', timeout: 5 })];
    });
    const result = await worker.runUntil(async () => {
      await expect.poll(async () => (await client.getJob(job.id)).state).toBe('retryable');
      expect(await client.signal(job, approval, { by: 'ann' })).toBe('woken');
      return await job.wait();
    });
    expect(result).toEqual([[1], { by: 'ann' }, null]);
    const { steps } = await admin.steps(job.id);
    expect(steps).toMatchObject([
      { name: 'paid', kind: 'signal', state: 'done', token: 'invoice:1' },
      { name: 'approval', kind: 'signal', state: 'done', value: { by: 'ann' } },
      { name: 'second', kind: 'signal', state: 'expired', signal: 'approval' },
    ]);
  } finally {
    await server.close();
  }
});
