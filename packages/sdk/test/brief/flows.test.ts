import { startServer } from '@ojs-ts/server';
import { expect, expectTypeOf, test } from 'vitest';
import * as ojs from '../../src/index.ts';
import { keepingLogger } from '../support/log.ts';

// The brief's examples of workflows and events, word for word where TypeScript has the words.

const logger = keepingLogger();

async function working<T>(url: string, work: () => Promise<T>): Promise<T> {
  const worker = new ojs.Worker(url, { handleSignals: false, logger });
  for (const type of [
    'user.create',
    'email.send',
    'analytics.track',
    'image.resize',
    'import.chunk',
    'import.finalize',
    'notify.done',
  ]) {
    worker.register(type, (ctx) => ({ did: ctx.jobType, after: ctx.parentResults.length }));
  }
  return worker.runUntil(work);
}

test('Workflows: chain, group, batch, status', async () => {
  await using server = await startServer({ storage: 'sqlite:', port: 0, log: false });
  await using client = new ojs.Client(server.url, { logger });
  const lines: string[] = [];

  const wf = await client.workflow(
    ojs.chain('onboarding', [
      { type: 'user.create', args: ['user@example.com'] },
      { type: 'email.send', args: ['user@example.com', 'welcome'] },
      { type: 'analytics.track', args: ['signup'] },
    ]),
  );
  lines.push(`Workflow ${wf.id}: ${wf.state}`);

  const resized = await client.workflow(
    ojs.group('resize-images', [
      { type: 'image.resize', args: ['img.jpg', 'small'] },
      { type: 'image.resize', args: ['img.jpg', 'medium'] },
      { type: 'image.resize', args: ['img.jpg', 'large'] },
    ]),
  );

  const imported = await client.workflow(
    ojs.batch(
      'data-import',
      [
        { type: 'import.chunk', args: [1, 1000] },
        { type: 'import.chunk', args: [1001, 2000] },
        { type: 'import.chunk', args: [2001, 3000] },
      ],
      {
        onComplete: { type: 'import.finalize', args: [] },
        onSuccess: { type: 'notify.done', args: [] },
        onFailure: { type: 'notify.failure', args: [] },
      },
    ),
  );

  await working(server.url, () => Promise.all([wf.wait(), resized.wait(), imported.wait()]));
  for (const step of (await client.getWorkflow(wf.id)).steps)
    lines.push(`${step.id}: ${step.state} (jobId=${step.jobId})`);
  expect(lines).toEqual([
    `Workflow ${wf.id}: running`,
    expect.stringMatching(/^0: completed \(jobId=[0-9a-f-]{36}\)$/),
    expect.stringMatching(/^1: completed \(jobId=[0-9a-f-]{36}\)$/),
    expect.stringMatching(/^2: completed \(jobId=[0-9a-f-]{36}\)$/),
  ]);
  expect(await wf.wait()).toEqual({ did: 'analytics.track', after: 2 });
  expect(await resized.wait()).toHaveLength(3);
  const { steps } = await client.getWorkflow(imported.id);
  expect(steps.map(({ id, type, state }) => [id, type, state]).slice(3)).toEqual([
    ['on_complete', 'import.finalize', 'completed'],
    ['on_success', 'notify.done', 'completed'],
    ['on_failure', 'notify.failure', 'cancelled'],
  ]);
  const ended = await client.workflow(ojs.chain('c', [{ type: 'a.b', args: [] }]));
  expect((await client.cancelWorkflow(ended.id)).state).toBe('cancelled');
});

test('Events: the constants, then the accessors', () => {
  const { EventType } = ojs;
  const core: string[] = [EventType.JOB_ENQUEUED, EventType.JOB_STARTED, EventType.JOB_COMPLETED, EventType.JOB_FAILED];
  const extended: string[] = [
    EventType.JOB_RETRYING,
    EventType.JOB_CANCELLED,
    EventType.JOB_DISCARDED,
    EventType.JOB_HEARTBEAT,
    EventType.JOB_SCHEDULED,
  ];
  const workflows: string[] = [EventType.WORKFLOW_STARTED, EventType.WORKFLOW_COMPLETED, EventType.WORKFLOW_FAILED];
  const crons: string[] = [EventType.CRON_TRIGGERED, EventType.CRON_SKIPPED];
  const workers: string[] = [EventType.WORKER_STARTED, EventType.WORKER_STOPPED, EventType.WORKER_QUIET];
  expect([...core, ...extended, ...workflows, ...crons, ...workers]).toEqual([
    'job.enqueued',
    'job.started',
    'job.completed',
    'job.failed',
    'job.retrying',
    'job.cancelled',
    'job.discarded',
    'job.heartbeat',
    'job.scheduled',
    'workflow.started',
    'workflow.completed',
    'workflow.failed',
    'cron.triggered',
    'cron.skipped',
    'worker.started',
    'worker.stopped',
    'worker.quiet',
  ]);
  const rawEvent: Record<string, unknown> = {
    event: 'job.completed',
    timestamp: '2026-02-12T10:00:00Z',
    data: { job_id: '019...', job_type: 'email.send', queue: 'email', state: 'completed' },
  };
  const event = ojs.Event.fromDict(rawEvent);
  expect([event.event, event.jobId, event.jobType, event.queue, event.state, event.timestamp.toISOString()]).toEqual([
    'job.completed',
    '019...',
    'email.send',
    'email',
    'completed',
    '2026-02-12T10:00:00.000Z',
  ]);
});

test('beyond the brief: typed forms', async () => {
  const emailSend = ojs.defineJob<'email.send', [to: string, template: 'welcome' | 'reset'], { id: string }>(
    'email.send',
    {
      queue: 'email',
    },
  );
  await using server = await startServer({ storage: 'sqlite:', port: 0, log: false });
  await using client = new ojs.Client(server.url, { logger });
  const worker = new ojs.Worker(server.url, { queues: ['email', 'default'], handleSignals: false, logger });
  worker.register('email.send', ({ args: [to] }) => ({ id: to }));
  worker.register('x.y', () => 'z');
  await worker.runUntil(async () => {
    const inner = ojs.group('g', [ojs.job(emailSend, ['a', 'welcome'])]);
    const last: { id: string } = await (
      await client.workflow(ojs.chain('c', [inner, ojs.job(emailSend, ['b', 'reset'])]))
    ).wait();
    expect(last).toEqual({ id: 'b' });
    const pair = ojs.group('g', [ojs.job(emailSend, ['a', 'welcome']), { type: 'x.y', args: [] }]);
    const all: readonly [{ id: string }, unknown] = await (await client.workflow(pair)).wait();
    expect(all).toEqual([{ id: 'a' }, 'z']);
    const handle = await client.workflow(pair);
    expectTypeOf(handle.wait).returns.resolves.toEqualTypeOf<[{ id: string }, unknown]>();
    const unknown = await client.getWorkflow(handle.id);
    expectTypeOf(unknown.wait).returns.resolves.toBeUnknown();
    const wf: ojs.Workflow = handle;
    expect(wf.name).toBe('g');
  });
  // @ts-expect-error wrong template
  ojs.job(emailSend, ['a', 'nope']);
  expect(() =>
    // @ts-expect-error a callback is a job, not a workflow
    ojs.batch('b', [ojs.job(emailSend, ['a', 'reset'])], { onComplete: ojs.chain('c', []) }),
  ).toThrow('onComplete: a callback is a job, not a workflow');
  // @ts-expect-error keys of a unique policy have no default
  ojs.chain('c', [{ type: 'x.y', args: [], unique: { period: '1h' } }]);
});

test('parentResults() is typed by what it is given', () => {
  const one = ojs.defineJob<'a.one', [], number>('a.one');
  const two = ojs.defineJob<'a.two', [], { id: string }>('a.two');
  const ctx = { jobType: 'a.three', parentResults: [1, { id: 'x' }, [2, 3]] };
  const inner = ojs.group('g', [ojs.job(one, []), ojs.job(one, [])]);
  const [first, , [third]] = ojs.parentResults(ctx, one, two, [one, one]);
  expectTypeOf(first).toEqualTypeOf<number>();
  expectTypeOf(third).toEqualTypeOf<number>();
  const results = ojs.parentResults(ctx, one, two, inner);
  expectTypeOf(results).toEqualTypeOf<[number, { id: string }, [number, number]]>();
  expect(ojs.parentResults(ctx, one, two, inner)).toEqual([1, { id: 'x' }, [2, 3]]);
  expect(() => ojs.parentResults(ctx, one)).toThrow(ojs.OJSValidationError);
});
