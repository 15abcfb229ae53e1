import { describe, expect, test } from 'vitest';
import { type JobContext, OJSError, OJSValidationError } from '../../../src/index.ts';
import { benchOfEachTest, gate } from '../../support/bench.ts';
import { refusal } from '../../support/faulty.ts';

const bench = benchOfEachTest();

const reports = () => bench.wire.bodies('job.reportProgress');

async function run(handler: (context: JobContext) => unknown, maxAttempts = 1) {
  const job = await bench.client.enqueue('test.job', [], { retry: { maxAttempts, initialInterval: 1 } });
  const worker = bench.worker().register('test.job', handler);
  await worker.runUntil(() => job.wait().catch(() => {}));
  return job.refresh();
}

const progressOf = async (id: string): Promise<unknown> =>
  JSON.parse((await bench.embedded.call({ operation: 'job.progress', params: { id } })).text);

describe('progress() (ojs-progress)', () => {
  test('progress is sent with the lease, at most once a second; the last report precedes the outcome', async () => {
    const job = await run(async ({ progress }) => {
      await progress(10, 'first', { rows: 1 });
      for (let percent = 11; percent < 90; percent++) await progress(percent);
      void progress(140, 'last');
    });
    expect(job.state).toBe('completed');
    const lease = { worker_id: expect.any(String), x_lease: expect.any(String) };
    expect(reports()).toEqual([
      { progress: 0.1, message: 'first', data: { rows: 1 }, ...lease },
      { progress: 1, message: 'last', ...lease },
    ]);
    const order = bench.wire.calls.map(({ operation, body }) => (body?.includes('"acks":[{') ? 'ack' : operation));
    expect(order.lastIndexOf('job.reportProgress')).toBeLessThan(order.indexOf('ack'));
    expect(await progressOf(job.id)).toMatchObject({ progress: 1, message: 'last' });
  });

  test('the outcome waits for a pending report', async () => {
    bench.wire.spoil('job.reportProgress', async (call) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return bench.embedded.call(call);
    });
    const job = await run(({ progress }) => void progress(40, 'slow'));
    expect(await progressOf(job.id)).toMatchObject({ message: 'slow' });
  });

  test.each(['before' as const, refusal(503, 'away'), refusal(409, { error: { code: 'conflict', message: 'no' } })])(
    'a lost report (%o) does not fail the job',
    async (fault) => {
      bench.wire.spoil('job.reportProgress', fault);
      expect(await run(({ progress }) => progress(1))).toMatchObject({ state: 'completed' });
    },
  );

  test('a report about a job that was cancelled aborts the signal, and rejects nothing', async () => {
    const [began, gone, ended] = [gate(), gate(), gate<unknown>()];
    const job = await bench.client.enqueue('test.job', []);
    const worker = bench.worker().register('test.job', async ({ progress, signal }) => {
      began.open();
      await gone.opened;
      await progress(50);
      ended.open(signal.aborted && signal.reason);
    });
    await worker.runUntil(async () => {
      await began.opened;
      await bench.client.cancelJob(job.id);
      gone.open();
      expect(await ended.opened).toMatchObject({
        message: expect.stringContaining('no longer belongs to this worker'),
        jobId: job.id,
      });
    });
  });

  test('bad progress is refused with its path; an unawaited call does not end the process', async () => {
    const errors: unknown[] = [];
    const job = await run(async ({ progress }) => {
      void progress(Number.NaN);
      for (const call of [() => progress(Number.NaN), () => progress(1, 'x', { deep: [1n] })])
        await call().catch((e) => errors.push(e));
    });
    expect(job.state).toBe('completed');
    expect(errors).toEqual([expect.any(OJSValidationError), expect.any(OJSValidationError)]);
    expect(errors).toMatchObject([{ issues: [{ path: 'percent' }] }, { issues: [{ path: 'data.deep[0]' }] }]);
  });

  test.each([
    refusal(404, 'Cannot PUT'),
    refusal(405, { error: { code: 'method_not_allowed', message: 'no' } }),
    refusal(501, { error: { code: 'unsupported', message: 'no' } }),
  ])('a server without progress (%o) gives an error that names it', async (answer) => {
    bench.wire.spoil('job.reportProgress', answer);
    const job = await run(({ progress }) => progress(1));
    expect(job.error).toMatchObject({
      type: 'OJSError',
      message: expect.stringContaining('The server has no progress'),
    });
  });
});

describe('checkpoint() (ojs-durable-execution)', () => {
  test('a checkpoint is readable in this attempt and the next', async () => {
    const seen: unknown[] = [];
    const job = await run(async (context) => {
      seen.push(context.lastCheckpoint);
      await context.checkpoint({ page: context.attempt, rest: null });
      seen.push(context.lastCheckpoint);
      if (context.attempt < 3) throw new Error('again');
    }, 3);
    expect(job.state).toBe('completed');
    const page = (n: number) => ({ page: n, rest: null });
    expect(seen).toEqual([undefined, page(1), page(1), page(2), page(2), page(3)]);
    expect(bench.wire.bodies('job.saveCheckpoint')[0]).toMatchObject({
      x_lease: expect.any(String),
      worker_id: expect.any(String),
    });
  });

  test('every checkpoint of an execution has a number', async () => {
    await run(async ({ attempt, checkpoint }) => {
      await checkpoint('first');
      await checkpoint('second');
      if (attempt < 2) throw new Error('again');
    }, 2);
    expect(bench.wire.bodies('job.saveCheckpoint').map(({ x_save }) => x_save)).toEqual([1, 2, 1, 2]);
  });

  test('a call that was cut is tried again', async () => {
    bench.wire.spoil('job.saveCheckpoint', 'after');
    expect(await run(({ checkpoint }) => checkpoint(1))).toMatchObject({ state: 'completed' });
    expect(bench.wire.of('job.saveCheckpoint')).toHaveLength(2);
  });

  test('a worker that lost the job cannot save a checkpoint', async () => {
    const [began, gone] = [gate(), gate()];
    const failure = gate<unknown>();
    const job = await bench.client.enqueue('test.job', []);
    const worker = bench.worker().register('test.job', async ({ checkpoint }) => {
      began.open();
      await gone.opened;
      failure.open(await checkpoint('stale').catch((error: unknown) => error));
    });
    await worker.runUntil(async () => {
      await began.opened;
      await bench.client.cancelJob(job.id);
      gone.open();
      expect(await failure.opened).toMatchObject({
        message: expect.stringContaining('no longer belongs to this worker'),
        jobId: job.id,
      });
    });
  });

  test('bad checkpoints and servers without checkpoints give errors', async () => {
    const errors: unknown[] = [];
    bench.wire.spoil('job.saveCheckpoint', refusal(404, '<html>'));
    await run(async ({ checkpoint }) => {
      for (const state of [undefined, { when: new Date() }, 1])
        await checkpoint(state).catch((error) => errors.push(error));
    });
    expect(errors).toEqual([expect.any(OJSValidationError), expect.any(OJSValidationError), expect.any(OJSError)]);
    expect(errors).toMatchObject([
      {},
      { issues: [{ path: 'state.when' }] },
      { message: expect.stringContaining('no checkpoints') },
    ]);
  });
});

test('parentResults and workflowId come with a step of a workflow', async () => {
  const seen: unknown[] = [];
  const done = gate();
  const worker = bench.worker().register('test.job', ({ parentResults, workflowId, args }) => {
    seen.push([workflowId, parentResults]);
    if (args[0] === 2) done.open();
    return `result ${args[0]}`;
  });
  const steps = [1, 2].map((n) => ({ type: 'test.job', args: [n] }));
  const answer = await bench.embedded.call({
    operation: 'workflow.create',
    body: JSON.stringify({ type: 'chain', name: 'two', steps }),
  });
  const { id } = JSON.parse(answer.text).workflow;
  await worker.runUntil(() => done.opened);
  expect(seen).toEqual([
    [id, []],
    [id, ['result 1']],
  ]);
});

describe('what is thrown', () => {
  test('an unreadable error of a handler fails the job like any other', async () => {
    const trap = {
      get(): never {
        throw new Error('trap');
      },
    };
    const unreadable = [
      Object.defineProperty(new Error('x'), 'name', trap),
      Object.defineProperty(new Error('x'), 'message', trap),
    ];
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const thrown of [...unreadable, proxy]) {
      expect(
        await run(async () => {
          throw thrown;
        }),
      ).toMatchObject({ state: 'discarded', error: { code: 'handler_error' } });
    }
  });

  test('a logger that throws changes no outcome', async () => {
    const broken = () => {
      throw new Error('the disk is full');
    };
    const logger = { debug: broken, info: broken, warn: broken, error: broken };
    const failing = await bench.client.enqueue('job.fail', [], { retry: { maxAttempts: 1 } });
    const odd = await bench.client.enqueue('job.odd', []);
    const worker = bench
      .worker({ logger })
      .register('job.fail', () => {
        throw new Error('no');
      })
      .register('job.odd', () => 1n);
    await worker.runUntil(() => Promise.allSettled([failing.wait(), odd.wait()]));
    expect([await failing.refresh(), await odd.refresh()]).toMatchObject([
      { state: 'discarded' },
      { state: 'discarded' },
    ]);
  });

  test('an extension of the lease that nobody awaits does not end the process', async () => {
    bench.wire.spoil('worker.heartbeat', async () =>
      bench.embedded.call({ operation: 'worker.heartbeat', body: '{}' }),
    );
    bench.wire.spoil('worker.heartbeat', 'before');
    expect(await run(({ heartbeat }) => void heartbeat())).toMatchObject({ state: 'completed' });
    await new Promise((resolve) => setImmediate(resolve));
  });
});
