import { formatTimestamp } from '@ojs-ts/core';
import { openEmbedded } from '@ojs-ts/server';
import fc from 'fast-check';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { Client, type CronJobRequest, defineJob, JobNotFoundError, job, nextRuns, Worker } from '../../src/index.ts';
import { SyncClient } from '../../src/sync/index.ts';
import { serve } from '../support/serve.ts';

const report = defineJob<'report.make', [region: string], { pages: number }>('report.make', {
  queue: 'reports',
  tags: ['report'],
});
const invoice = defineJob('invoice.send', {
  payload: z.object({ to: z.email(), due: z.coerce.date() }),
  result: z.object({ ok: z.boolean() }),
});

const [embedded, server] = await Promise.all([openEmbedded('memory:'), serve()]);
afterAll(async () => {
  await Promise.all([embedded[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]);
});

describe('crons', () => {
  test('a cron by definition keeps every option of the job, and can be changed, paused, resumed and triggered', async () => {
    await using store = await openEmbedded('memory:');
    await using client = new Client(store);
    const cron = await client.registerCronJob('weekly', '0 9 * * MON', report, ['eu'], {
      timezone: 'Europe/Berlin',
      description: 'for the board',
      priority: 3,
      meta: { team: 'a' },
      timeout: '5m',
      visibilityTimeoutMs: 60_000,
      retry: { maxAttempts: 5, backoffStrategy: 'linear' },
      unique: { keys: ['type'], onConflict: 'ignore' },
      limits: [{ key: 'reports', concurrency: 2, rate: { limit: 10, period: '1h' } }],
      resultTtl: '1d',
      enqueueTtl: '1h',
      totalTimeout: '2h',
      gracePeriod: '10s',
      overlapPolicy: 'allow',
    });
    const described = {
      name: 'weekly',
      type: 'report.make',
      args: ['eu'],
      queue: 'reports',
      tags: ['report'],
      description: 'for the board',
      priority: 3,
      meta: { team: 'a' },
      timeoutMs: 300_000,
      visibilityTimeoutMs: 60_000,
      retry: { maxAttempts: 5, backoffStrategy: 'linear' },
      unique: { keys: ['type'], onConflict: 'ignore' },
      limits: [{ key: 'reports', concurrency: 2, rate: { limit: 10, period: 'PT1H' } }],
      resultTtl: 86_400_000,
      enqueueTtl: 3_600_000,
      totalTimeout: 7_200_000,
      gracePeriod: 10_000,
      overlapPolicy: 'allow',
    };
    expect(cron).toMatchObject({ ...described, cron: '0 9 * * MON', timezone: 'Europe/Berlin' });
    expect(await client.getCronJob('weekly')).toEqual(cron);
    expect(await client.updateCronJob('weekly', { cron: '0 10 * * MON', timezone: 'UTC' })).toMatchObject({
      ...described,
      cron: '0 10 * * MON',
      timezone: 'UTC',
    });
    expect(await client.pauseCronJob('weekly')).toMatchObject({ enabled: false, nextRunAt: null });
    expect(await client.cronRuns('weekly')).toEqual([]);
    expect(await client.resumeCronJob('weekly')).toMatchObject({ enabled: true, nextRunAt: expect.any(Date) });
    const { jobId, cron: after } = await client.triggerCronJob('weekly');
    expect(after).toMatchObject({ name: 'weekly', runCount: 1, lastRunAt: expect.any(Date) });
    const run = await client.getJob(report, jobId);
    expect(run).toMatchObject({
      type: 'report.make',
      args: ['eu'],
      queue: 'reports',
      priority: 3,
      meta: { cron_name: 'weekly', team: 'a' },
    });
    expect(run.raw).toMatchObject({ result_ttl: 86_400, enqueue_ttl: 3_600, rate_limit: [{ key: 'reports' }] });
    const runs = await client.cronRuns('weekly', { count: 3 });
    expect(runs).toEqual(nextRuns('0 10 * * MON', { from: new Date((runs[0]?.getTime() ?? 0) - 1), count: 3 }));
    for (const call of [client.getCronJob, client.pauseCronJob, client.triggerCronJob])
      await expect(Reflect.apply(call, client, ['none'])).rejects.toBeInstanceOf(JobNotFoundError);
  });
});

test('a definition checks the args of its cron, in each form of the call, and gives its defaults', async () => {
  await using client = new Client(embedded);
  const args = [{ to: 'a@example.com', due: '2026-03-01' }] as const;
  expect(await client.registerCronJob('one', '@daily', invoice, [...args])).toMatchObject({
    type: 'invoice.send',
    args,
  });
  expect(await client.registerCronJob({ name: 'two', cron: '@daily', ...job(invoice, [...args]) })).toMatchObject({
    args,
  });
  expect(await client.registerCronJob({ name: 'three', cron: '@daily', ...job(report, ['us']) })).toMatchObject({
    queue: 'reports',
  });
  const bad = [{ to: 'nobody', due: '2026-03-01' }] as const;
  const issues = [{ path: 'args[0].to' }];
  await expect(client.registerCronJob('bad', '@daily', invoice, [...bad])).rejects.toMatchObject({ issues });
  await expect(
    client.registerCronJob({ name: 'bad', cron: '@daily', ...job(invoice, [...bad]) }),
  ).rejects.toMatchObject({ issues });
  await expect(client.getCronJob('bad')).rejects.toBeInstanceOf(JobNotFoundError);
  // @ts-expect-error a number is no region
  await client.registerCronJob('wrong', '@daily', report, [1]);
});

test('options of one job are refused for a cron, and a change refuses other fields', async () => {
  await using client = new Client(embedded);
  const request: CronJobRequest = { name: 'x', cron: '@daily', type: 'a.b' };
  for (const own of [{ id: '01900000-0000-7000-8000-000000000001' }, { delay: '1s' }, { pending: true }]) {
    const [path = ''] = Object.keys(own);
    await expect(client.registerCronJob({ ...request, ...own })).rejects.toMatchObject({ issues: [{ path }] });
  }
  await expect(client.registerCronJob({ ...request, ...{ expiresAt: new Date() } })).rejects.toThrow('enqueueTtl');
  const changes: object = { args: [] };
  await expect(client.updateCronJob('x', changes)).rejects.toMatchObject({ issues: [{ path: 'args' }] });
  await expect(client.updateCronJob('x', {})).rejects.toMatchObject({ issues: [{ path: 'changes' }] });
});

test('getJob by a definition: types, parsed args, refusal of another type', async () => {
  await using client = new Client(embedded);
  const sent = await client.enqueue(invoice, [{ to: 'a@example.com', due: '2026-03-01' }]);
  const found = await client.getJob(invoice, sent.id);
  expectTypeOf(found.args).toEqualTypeOf<[{ to: string; due: Date }]>();
  expectTypeOf(found.wait()).resolves.toEqualTypeOf<{ ok: boolean }>();
  expect(found.args[0].due).toEqual(new Date('2026-03-01'));
  expect((await found.refresh()).args[0].due).toEqual(new Date('2026-03-01'));
  await expect(client.getJob(report, sent.id)).rejects.toMatchObject({
    issues: [
      {
        path: 'jobId',
        message: `job ${sent.id} is of type invoice.send, not report.make; pass the definition of invoice.send`,
      },
    ],
  });
  await expect(client.getJob(invoice, 'nonsense')).rejects.toBeInstanceOf(JobNotFoundError);
  const worker = new Worker(embedded, { handleSignals: false });
  worker.register(invoice, () => ({ ok: true }));
  await worker.runUntil(async () => {
    expect((await found.wait()).ok).toBe(true);
  });
});

test('the sync client: typed crons and jobs, progress, workflows, schema versions', () => {
  using client = new SyncClient(server.url);
  expect(client.registerCronJob('sync', '@daily', report, ['eu'], { resultTtl: '1h' })).toMatchObject({
    queue: 'reports',
    resultTtl: 3_600_000,
  });
  expect(client.getCronJob('sync')).toMatchObject({ args: ['eu'] });
  expect(client.updateCronJob('sync', { cron: '@hourly' })).toMatchObject({ cron: '@hourly' });
  expect(client.pauseCronJob('sync').enabled).toBe(false);
  expect(client.resumeCronJob('sync').enabled).toBe(true);
  expect(client.cronRuns('sync', { count: 2 })).toHaveLength(2);
  const { jobId } = client.triggerCronJob('sync');
  const run = client.getJob(report, jobId);
  expectTypeOf(run.args).toEqualTypeOf<[region: string]>();
  expect(run.args).toEqual(['eu']);
  expect(() => client.getJob(invoice, jobId)).toThrow('is of type report.make, not invoice.send');
  expect(() => client.registerCronJob('bad', '@daily', invoice, [{ to: 'nobody', due: 1 }])).toThrow('args[0].to');
  expect(client.getProgress(jobId)).toBeNull();
  const pending = client.enqueue('a.job', [], { pending: true });
  expect(client.activateJob(pending.id).state).toBe('available');
  expect([...client.listWorkflows({ state: 'running' })]).toEqual([]);
  expect([...client.listDeadLetterJobs({ errorType: 'TypeError', olderThan: '1h' })]).toEqual([]);
  client.registerSchema('urn:s:v1', 's.job', '1', { type: 'array' });
  client.registerSchema('urn:s:v2', 's.job', '2', { type: 'array', maxItems: 2 });
  expect(client.listSchemaVersions('s.job').map(({ version }) => version)).toEqual(['2', '1']);
  expect(client.getSchemaVersion('s.job', '2').schema).toMatchObject({ maxItems: 2 });
  expect(client.deleteSchemaVersion('s.job', '1')).toEqual({ deleted: true, jobType: 's.job', version: '1' });
});

test('workflows: list, progress; schema versions', async () => {
  await using client = new Client(embedded);
  const { group } = await import('../../src/index.ts');
  const workflow = await client.workflow(group('pair', [job(report, ['a']), job(report, ['b'])]));
  expect((await client.listWorkflows({ state: 'running' })).items.map(({ id }) => id)).toContain(workflow.id);
  expect(await client.workflowProgress(workflow.id)).toEqual({
    percent: 0,
    steps: ['a', 'b'].map(() => ({
      jobId: expect.any(String),
      type: 'report.make',
      state: expect.any(String),
      percent: 0,
    })),
  });
  await client.registerSchema('urn:t:v1', 't.job', '1', { type: 'array' });
  expect(await client.listSchemaVersions('t.job')).toMatchObject([{ version: '1', type: 't.job' }]);
  expect(await client.getSchemaVersion('t.job', '1')).toMatchObject({ schema: { type: 'array' } });
  expect(await client.deleteSchemaVersion('t.job', '1')).toMatchObject({ deleted: true });
  await expect(client.listSchemaVersions('t.job')).rejects.toBeInstanceOf(JobNotFoundError);
});

describe('nextRuns', () => {
  test('nextRuns() gives increasing times in any zone, over changes of the clocks', () => {
    expect(nextRuns('30 7 * * MON-FRI', { timezone: 'Europe/Berlin', from: '2026-03-27T12:00:00Z', count: 2 })).toEqual(
      [new Date('2026-03-30T05:30:00Z'), new Date('2026-03-31T05:30:00Z')],
    );
    expect(
      nextRuns('30 2 29 3 *', {
        timezone: 'Europe/Berlin',
        from: '2026-01-01T00:00:00Z',
        count: 1,
      })[0]?.getUTCFullYear(),
    ).toBe(2027);
    expect(nextRuns('@every 90s', { from: new Date('2026-01-01T00:00:00Z'), count: 2 })).toEqual([
      new Date('2026-01-01T00:01:30Z'),
      new Date('2026-01-01T00:03:00Z'),
    ]);
    expect(nextRuns('0 0 30 2 *')).toEqual([]);
    expect(nextRuns('@daily')).toHaveLength(10);
  });

  test.each([
    ['61 * * * *', {}, 'cron'],
    ['@daily', { timezone: 'Europe/berlin' }, 'timezone'],
    ['@daily', { timezone: 'CET' }, 'timezone'],
    ['@daily', { from: 'yesterday' }, 'from'],
    ['@daily', { count: 0 }, 'count'],
    ['@daily', { count: 1_001 }, 'count'],
  ] as const)('nextRuns() refuses %s %j by name', (cron, options, path) => {
    expect(() => nextRuns(cron, options)).toThrow(
      expect.objectContaining({ name: 'OJSValidationError', issues: [expect.objectContaining({ path })] }),
    );
  });

  test('nextRuns() agrees with the preview of the server', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('*/7 * * * *', '30 2 * * *', '0 9 * * MON', '0 0 L * *', '@every 11m', '15 30 1 * * 5#2'),
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
        fc.date({ min: new Date('2020-01-01T00:00:00Z'), max: new Date('2040-01-01T00:00:00Z'), noInvalidDate: true }),
        fc.integer({ min: 1, max: 20 }),
        async (expression, timezone, from, count) => {
          const body = JSON.stringify({ expression, timezone, from, count });
          const { text } = await embedded.call({ operation: 'cron.preview', body });
          expect(JSON.parse(text).runs).toEqual(
            nextRuns(expression, { timezone, from, count }).map((at) => formatTimestamp(at.getTime())),
          );
        },
      ),
      { numRuns: 60 },
    );
    const { status } = await embedded.call({
      operation: 'cron.preview',
      body: JSON.stringify({ expression: '@daily', from: 'soon' }),
    });
    expect(status).toBe(400);
  });
});
