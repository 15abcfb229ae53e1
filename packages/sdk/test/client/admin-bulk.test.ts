import { openEmbedded } from '@ojs-ts/server';
import { expect } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import {
  Admin,
  type BulkOperation,
  type BulkRequest,
  Client,
  JobNotFoundError,
  OJSAPIError,
  OJSValidationError,
} from '../../src/index.ts';

async function open() {
  const embedded = await openEmbedded('memory:');
  const [client, admin] = [new Client(embedded), new Admin(embedded)];
  const close = async () => {
    await Promise.all([client.close(), admin.close()]);
    await embedded[Symbol.asyncDispose]();
  };
  return { client, admin, [Symbol.asyncDispose]: close };
}

const it = testWith(open);

it('jobs are counted, cancelled with progress, and brought back', async ({ client, admin }) => {
  await client.enqueueBatch(Array.from({ length: 12 }, (_, n) => ({ type: 'a.job', args: [{ n }] })));
  const request = { action: 'cancel', query: 'args[0].n<10', filter: { type: 'a.job' } } as const;
  expect(await admin.countBulk(request)).toMatchObject({ matched: 10, isLowerBound: false });
  const seen: BulkOperation[] = [];
  const bulk = await admin.startBulk(request);
  expect(bulk.operation).toMatchObject({ state: 'running', query: 'args[0].n<10', matched: 10, createdBy: 'embedded' });
  const done = await bulk.wait({ onProgress: (operation) => seen.push(operation) });
  expect(done).toMatchObject({ state: 'done', changed: 10, skipped: {}, undo: { possible: true } });
  expect(seen.at(-1)).toEqual(done);
  expect(done.finishedAt).toBeInstanceOf(Date);
  const undo = await bulk.undo();
  expect(await undo.wait()).toMatchObject({ action: 'undo', undoes: bulk.id, changed: 10 });
  expect(await client.queueStats('default')).toMatchObject({ available: 12, cancelled: 10 });
  const listed: string[] = [];
  for await (const { id } of await admin.listBulk({ limit: 1 })) listed.push(id);
  expect(listed).toEqual([undo.id, bulk.id]);
});

it('a slow one is stopped and resumed; a wait ends with its signal', async ({ client, admin }) => {
  await client.enqueueBatch(Array.from({ length: 3 }, () => ({ type: 'a.job', args: [] })));
  const bulk = await admin.startBulk({ action: 'discard', filter: {}, rate: 0.001 });
  await expect.poll(async () => (await bulk.refresh()).changed).toBe(1);
  const controller = new AbortController();
  const waited = bulk.wait({ signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) });
  await expect(waited).rejects.toThrow('enough');
  expect(await bulk.stop()).toMatchObject({ state: 'stopped', rate: 0.001 });
  expect(await bulk.wait()).toMatchObject({ state: 'stopped', changed: 1 });
  expect(await bulk.resume()).toMatchObject({ state: 'running' });
  await expect(bulk.undo()).rejects.toBeInstanceOf(OJSAPIError);
});

it('waiting jobs get another start and other values, and ended ones run again', async ({ client, admin }) => {
  await client.enqueueBatch(Array.from({ length: 3 }, () => ({ type: 'a.job', args: [1], delay: '1h' })));
  const run = async (request: BulkRequest) => (await admin.startBulk({ filter: {}, ...request })).wait();
  const later = new Date('2099-01-01T00:00:00Z');
  expect(await run({ action: 'reschedule', changes: { scheduledAt: later } })).toMatchObject({
    changed: 3,
    changes: { delay_until: later.toISOString() },
    undo: { possible: false },
  });
  await run({ action: 'priority', changes: { priority: 9 } });
  await run({ action: 'edit', changes: { args: [2], meta: { by: 'ops' }, scheduledAt: 'now' } });
  const { items } = await admin.listJobs({ state: 'available' });
  expect(items.map(({ args, meta, priority }) => ({ args, meta, priority }))).toEqual(
    Array.from({ length: 3 }, () => ({ args: [2], meta: { by: 'ops' }, priority: 9 })),
  );
  await run({ action: 'cancel' });
  expect(await run({ action: 'rerun', changes: { queue: 'again' } })).toMatchObject({ changed: 3 });
  expect(await client.queueStats('again')).toMatchObject({ available: 3 });
});

it('what cannot be meant is refused before anything is sent', async ({ admin }) => {
  await expect(admin.startBulk({ action: 'cancel' })).rejects.toBeInstanceOf(OJSValidationError);
  // @ts-expect-error: a filter has no such field
  const misspelled = admin.startBulk({ action: 'cancel', filter: { quue: 'mail' } });
  await expect(misspelled).rejects.toThrow(/quue.*Did you mean queue/);
  // @ts-expect-error: a job has no such field
  const unknown = admin.startBulk({ action: 'priority', filter: {}, changes: { priorty: 1 } });
  await expect(unknown).rejects.toThrow(/priorty.*Did you mean priority/);
  await expect(admin.startBulk({ action: 'priority', filter: {} })).rejects.toThrow(/changes: is required/);
  await expect(admin.getBulk('nobody')).rejects.toBeInstanceOf(JobNotFoundError);
});
