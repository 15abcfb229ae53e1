import { expect, test } from 'vitest';
import { DiscardError, type JobContext, SnoozeError } from '../../src/index.ts';
import { lambdaHandler, PushWorker } from '../../src/serverless/index.ts';
import { benchOfEachTest } from '../support/bench.ts';
import { refusal } from '../support/faulty.ts';

const bench = benchOfEachTest();

/** A job that the server has handed out, as its queue would carry it. */
async function claimed(options: object = {}): Promise<{ id: string; text: string }> {
  const { id } = await bench.client.enqueue('pay.charge', [1], options);
  const answer = await bench.embedded.call({
    operation: 'worker.fetch',
    body: JSON.stringify({ worker_id: 'sqs', queues: ['default'], count: 1 }),
  });
  const job: object = JSON.parse(answer.text).jobs[0];
  return { id, text: JSON.stringify({ job, worker_id: 'sqs' }) };
}

async function run(text: string, handler: (ctx: JobContext) => unknown): Promise<boolean> {
  const worker = new PushWorker({
    target: bench.wire,
    logger: bench.logger,
    requestRetry: { maxRetries: 1, minBackoff: 1, maxBackoff: 1 },
  });
  worker.register('pay.charge', handler);
  const { batchItemFailures } = await lambdaHandler(worker)({ Records: [{ messageId: 'm', body: text }] });
  return batchItemFailures.length === 0;
}

test('a success is acked to the server', async () => {
  const { id, text } = await claimed();
  expect(await run(text, () => ({ charged: true }))).toBe(true);
  expect(await bench.client.getJob(id)).toMatchObject({ state: 'completed', result: { charged: true } });
  expect(bench.wire.calls.map(({ operation }) => operation)).toEqual(['worker.ack']);
});

test('a failure is nacked to the server, whose policy decides, and the message is done', async () => {
  const { id, text } = await claimed({ retry: { maxAttempts: 2, initialInterval: '1h' } });
  const failing = () => {
    throw new TypeError('refused');
  };
  expect(await run(text, failing)).toBe(true);
  expect(await bench.client.getJob(id)).toMatchObject({
    state: 'retryable',
    errors: [{ type: 'TypeError', message: 'refused', attempt: 1 }],
  });
});

test('DiscardError and SnoozeError work as in a worker', async () => {
  const discarded = await claimed();
  await run(discarded.text, () => {
    throw new DiscardError('never');
  });
  expect((await bench.client.getJob(discarded.id)).state).toBe('discarded');
  const snoozed = await claimed();
  await run(snoozed.text, () => {
    throw new SnoozeError('1h');
  });
  expect(await bench.client.getJob(snoozed.id)).toMatchObject({ state: 'retryable', attempt: 0, errors: [] });
});

test('a lost ack is never reported as a failure: the message comes again', async () => {
  const { id, text } = await claimed();
  bench.wire.spoil('worker.ack', 'before');
  bench.wire.spoil('worker.ack', 'before');
  let runs = 0;
  expect(await run(text, () => runs++)).toBe(false);
  expect(bench.wire.of('worker.nack')).toEqual([]);
  expect((await bench.client.getJob(id)).state).toBe('active');
  expect(await run(text, () => runs++)).toBe(true);
  expect([runs, (await bench.client.getJob(id)).state]).toEqual([2, 'completed']);
});

test('after a short outage the ack is sent again, and the handler does not run again', async () => {
  const { id, text } = await claimed();
  bench.wire.spoil(
    'worker.ack',
    refusal(503, { error: { code: 'backend_unavailable', message: 'away', retryable: true } }),
  );
  let runs = 0;
  expect(await run(text, () => runs++)).toBe(true);
  expect([runs, (await bench.client.getJob(id)).state]).toEqual([1, 'completed']);
});

test('a result that the server refuses fails its job, and the message is done', async () => {
  const { id, text } = await claimed();
  bench.wire.spoil(
    'worker.ack',
    refusal(413, { error: { code: 'payload_too_large', message: 'too large', retryable: false } }),
  );
  expect(await run(text, () => 'large')).toBe(true);
  const job = await bench.client.getJob(id);
  expect(job).toMatchObject({
    state: 'discarded',
    error: { type: 'result_too_large', message: expect.stringContaining('too large') },
  });
});

test('the outcome and the message of a lost job are dropped', async () => {
  const { id, text } = await claimed();
  await bench.client.cancelJob(id);
  expect(await run(text, () => 1)).toBe(true);
  expect((await bench.client.getJob(id)).state).toBe('cancelled');
  expect(bench.logger.lines.map(({ message }) => message)).toContain(
    'outcome dropped: the job no longer belongs to this worker',
  );
});

test('progress and checkpoints reach the server', async () => {
  const { id, text } = await claimed();
  let saved: unknown;
  expect(
    await run(text, async (ctx) => {
      await ctx.progress(50, 'half');
      await ctx.checkpoint({ page: 2 });
      await ctx.heartbeat();
      saved = ctx.lastCheckpoint;
    }),
  ).toBe(true);
  expect(saved).toEqual({ page: 2 });
  expect((await bench.client.getJob(id)).state).toBe('completed');
  expect(bench.wire.calls.map(({ operation }) => operation)).toEqual([
    'job.reportProgress',
    'job.saveCheckpoint',
    'worker.ack',
  ]);
});
