import { expect, test } from 'vitest';
import {
  Client,
  chain,
  DiscardError,
  defineJob,
  type ExecutionMiddleware,
  SnoozeError,
  Worker,
} from '../../src/index.ts';
import {
  allEnqueued,
  assertCompleted,
  assertEnqueued,
  assertFailed,
  assertJobState,
  drain,
  fakeMode,
  perform,
  refutePerformed,
} from '../../src/testing/index.ts';

const client = new Client('http://localhost:9');

test('drain() runs jobs by priority and age, awaits handlers, and runs the jobs that they enqueue', () =>
  fakeMode(async (store) => {
    const ran: unknown[] = [];
    store.registerHandler('email.send', async ({ args, attempt, queue }) => {
      await new Promise((resolve) => setImmediate(resolve));
      ran.push([args[0], attempt, queue]);
      if (args[0] === 'first') await client.enqueue('email.send', ['third']);
      return { sent: args[0] };
    });
    const first = await client.enqueue('email.send', ['first']);
    await client.enqueue('email.send', ['second'], { queue: 'email' });
    await client.enqueue('email.send', ['urgent'], { priority: 5 });
    refutePerformed('email.send');
    expect(await drain()).toBe(4);
    expect(ran).toEqual([
      ['urgent', 1, 'default'],
      ['first', 1, 'default'],
      ['second', 1, 'email'],
      ['third', 1, 'default'],
    ]);
    assertCompleted('email.send', { count: 4 });
    expect(await first.wait()).toEqual({ sent: 'first' });
    expect(await drain()).toBe(0);
  }));

test('a workflow that failed continues after a retry, and runs again as a new one', () =>
  fakeMode(async (store) => {
    let isBroken = true;
    const ran: string[] = [];
    const register = (type: string, work: () => void = () => {}) =>
      store.registerHandler(type, () => {
        ran.push(type);
        work();
        return type;
      });
    register('pay.reserve');
    register('pay.charge', () => {
      if (isBroken) throw new DiscardError('no money');
    });
    register('ship.send');
    const types = ['pay.reserve', 'pay.charge', 'ship.send'];
    const workflow = await client.workflow(
      chain(
        'order',
        types.map((type) => ({ type, args: [] })),
      ),
    );
    await drain();
    expect((await workflow.refresh()).state).toBe('failed');
    isBroken = false;
    expect((await client.retryWorkflow(workflow.id)).state).toBe('running');
    await expect(client.retryWorkflow(workflow.id)).rejects.toMatchObject({
      error: { details: { reason: 'nothing_failed' } },
    });
    await drain();
    expect(ran).toEqual(['pay.reserve', 'pay.charge', 'pay.charge', 'ship.send']);
    expect(await workflow.wait()).toBe('ship.send');
    const again = await client.rerunWorkflow(workflow.id);
    expect(again.id).not.toBe(workflow.id);
    await drain();
    expect(await again.wait()).toBe('ship.send');
    expect(ran.slice(4)).toEqual(types);
  }));

test('queue and maxJobs limit drain(); a paused queue is skipped', () =>
  fakeMode(async (store) => {
    store.registerHandler('email.send', () => null);
    for (const queue of ['a', 'a', 'b', 'c']) await client.enqueue('email.send', [queue], { queue });
    await client.pauseQueue('c');
    expect(await drain({ queue: 'a', maxJobs: 1 })).toBe(1);
    expect(await drain({ queue: 'a' })).toBe(1);
    expect(await drain()).toBe(1);
    expect(await drain()).toBe(0);
    assertEnqueued('email.send', { queue: 'c' });
    await client.resumeQueue('c');
    expect(await drain()).toBe(1);
  }));

test('drain() throws for a type without a handler before any job runs', () =>
  fakeMode(async (store) => {
    store.registerHandler('email.send', () => null);
    await client.enqueue('email.send', ['a']);
    await client.enqueue('billing.charge', [1]);
    await expect(drain()).rejects.toThrow(
      /drain\(\): there is no handler for billing\.charge; give one to registerHandler/,
    );
    refutePerformed('email.send');
  }));

test('the timeout error of drain() says how far it came', () =>
  fakeMode(async (store) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    store.registerHandler('slow.job', () => promise);
    store.registerHandler('quick.job', () => null);
    await client.enqueue('quick.job', []);
    const slow = await client.enqueue('slow.job', []);
    await expect(drain({ timeout: 20 })).rejects.toMatchObject({
      name: 'OJSTimeoutError',
      jobId: slow.id,
      message: /1 done, then slow\.job/,
    });
    resolve();
  }));

test('a failed job waits for its next attempt, until time advances or with withScheduled (ojs-testing §13.1)', () =>
  fakeMode(async (store) => {
    store.registerHandler('payment.process', () => 'paid');
    store.failNext('payment.process', new Error('timeout'));
    const { id } = await client.enqueue('payment.process', [{ order_id: 'ord_123' }], {
      retry: { initialInterval: '10s' },
    });
    expect(await drain()).toBe(1);
    assertFailed('payment.process');
    assertJobState(id, 'retryable');
    expect(await drain()).toBe(0);
    store.advanceTime('9s');
    expect(await drain()).toBe(0);
    store.advanceTime('1s');
    expect(await drain()).toBe(1);
    assertCompleted('payment.process');
    assertFailed('payment.process');
    const [job] = allEnqueued({ jobType: 'payment.process' });
    expect(job).toMatchObject({ attempt: 2, result: 'paid', errors: [{ message: 'timeout', attempt: 1 }] });
  }));

test('withScheduled runs every attempt, up to the last', () =>
  fakeMode(async (store) => {
    store.failAll('email.send', new TypeError('SMTP connection refused'));
    const { id } = await client.enqueue('email.send', ['a'], {
      delay: '1h',
      retry: { maxAttempts: 3, onExhaustion: 'dead_letter' },
    });
    expect(await drain()).toBe(0);
    expect(await drain({ withScheduled: true })).toBe(3);
    assertJobState(id, 'discarded');
    const [dead] = (await client.listDeadLetterJobs()).items;
    expect(dead?.errors.map(({ type, message }) => [type, message])).toEqual(
      Array(3).fill(['TypeError', 'SMTP connection refused']),
    );
  }));

test('DiscardError ends a job, SnoozeError gives it back uncounted and is not run again by the same drain', () =>
  fakeMode(async (store) => {
    store.registerHandler('a.discard', () => {
      throw new DiscardError('no');
    });
    store.registerHandler('a.snooze', () => {
      throw new SnoozeError('1m');
    });
    const [discarded, snoozed] = [await client.enqueue('a.discard', []), await client.enqueue('a.snooze', [])];
    expect(await drain({ withScheduled: true })).toBe(2);
    assertJobState(discarded.id, 'discarded');
    expect(await snoozed.refresh()).toMatchObject({ state: 'retryable', attempt: 0 });
  }));

test('a handler gets a real context: progress, checkpoint, signal, cancellation', () =>
  fakeMode(async (store) => {
    store.registerHandler('import.rows', async (ctx) => {
      await ctx.progress(40, 'halfway');
      if (ctx.attempt === 1) {
        await ctx.checkpoint({ row: 7 });
        throw new Error('again');
      }
      return ctx.lastCheckpoint;
    });
    store.registerHandler('cancel.me', async (ctx) => {
      await client.cancelJob(ctx.jobId);
      return 'too late';
    });
    const [rows, gone] = [await client.enqueue('import.rows', []), await client.enqueue('cancel.me', [])];
    await drain({ withScheduled: true });
    expect(await rows.refresh()).toMatchObject({ state: 'completed', result: { row: 7 } });
    assertJobState(gone.id, 'cancelled');
    const kinds: string[] = [];
    for await (const { event } of rows.events()) kinds.push(event);
    expect(kinds).toEqual(
      expect.arrayContaining(['job.enqueued', 'job.started', 'job.progress', 'job.checkpointed', 'job.completed']),
    );
  }));

test('a job beyond its timeout fails as with a worker', () =>
  fakeMode(async (store) => {
    store.registerHandler(
      'slow.job',
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(null))),
    );
    const { id } = await client.enqueue('slow.job', [], { timeout: 20, retry: { maxAttempts: 1 } });
    await drain();
    expect(allEnqueued()[0]).toMatchObject({ id, state: 'discarded', error: { type: 'timeout' } });
  }));

test('useWorker: handlers, schemas and middleware of a real worker, which is not started', () =>
  fakeMode(async (store) => {
    const seen: string[] = [];
    const around: ExecutionMiddleware = async (ctx, next) => {
      seen.push(`before ${ctx.jobType}`);
      try {
        return await next();
      } catch (error) {
        seen.push(`failed ${String(error)}`);
        throw error;
      }
    };
    const worker = new Worker('http://localhost:9').middleware(around).register('email.send', () => 'sent');
    store.useWorker(worker);
    await client.enqueue('email.send', []);
    expect(await drain()).toBe(1);
    store.failNext('email.send');
    await client.enqueue('email.send', []);
    await drain();
    expect(seen).toEqual([
      'before email.send',
      'before email.send',
      'failed Error: email.send failed because its test called failNext() or failAll().',
    ]);
    store.registerHandler('email.send', () => 'stub');
    const stubbed = await client.enqueue('email.send', []);
    await drain();
    expect((await stubbed.refresh()).result).toBe('stub');
    await expect(worker.start()).rejects.toThrow(/pass it to useWorker\(\) and call drain\(\)/);
    await worker.stop();
  }));

test.each(['progress', 'checkpoint'] as const)('a handler whose job is cancelled goes on after its %s', (report) =>
  fakeMode(async (store) => {
    const seen: boolean[] = [];
    store.registerHandler('self.cancel', async (ctx) => {
      await client.cancelJob(ctx.jobId);
      await ctx[report](10).catch(() => {});
      seen.push(ctx.signal.aborted);
    });
    const job = await client.enqueue('self.cancel', []);
    await drain();
    expect([seen, (await job.refresh()).state]).toEqual([[true], 'cancelled']);
  }),
);

test('perform() runs a handler alone, typed and through JSON, throws its error, and enqueues nothing', () =>
  fakeMode(async (store) => {
    const resize = defineJob<'image.resize', [size: { width: number }], number>('image.resize');
    store.registerHandler(resize, ({ args: [size] }) => {
      if (size.width < 0) throw new RangeError('negative');
      return { width: size.width, at: new Date(0) };
    });
    store.registerHandler('nothing.back', async (ctx) => {
      await ctx.progress(10);
      await client.enqueue('image.resize', [{ width: 1 }]);
    });
    expect(await perform(resize, [{ width: 3 }])).toEqual({ width: 3, at: '1970-01-01T00:00:00.000Z' });
    await expect(perform('image.resize', [{ width: -1 }])).rejects.toThrow(RangeError);
    await expect(perform('no.handler', [])).rejects.toThrow(/perform\(\): there is no handler for no\.handler/);
    await expect(perform(resize, [10n])).rejects.toThrow(/args\[0\]/);
    refutePerformed(resize);
    expect(allEnqueued()).toEqual([]);
    expect(await perform('nothing.back', [])).toBeUndefined();
    assertEnqueued(resize, { args: [{ width: 1 }] });
  }));
