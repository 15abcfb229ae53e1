// The rows of methods against the table of operations in core.
import { type OperationName, operationNames } from '@ojs-ts/core/operations';
import { openEmbedded } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { adminRows } from '../../src/client/admin.ts';
import { clientRows } from '../../src/client/client.ts';
import { Admin, Client, chain } from '../../src/index.ts';
import { called, type Row } from '../../src/operations/row.ts';
import { SyncClient } from '../../src/sync/index.ts';
import { Faulty } from '../support/faulty.ts';

/** Arguments of methods that names alone do not satisfy. */
const given: Readonly<Record<string, readonly unknown[]>> = {
  updateCronJob: ['tick', { enabled: false }],
  registerSchema: ['urn:x:v1', 'a.job', '1', {}],
  createQueue: ['x', {}],
  configureQueue: ['x', { concurrency: 1 }],
  overrideLimit: ['x', { concurrency: 1 }],
  createToken: [{ name: 'x', roles: ['viewer'] }],
  rotateToken: ['x', 'PT1H'],
  editJob: ['x', { priority: 1 }],
  countBulk: [{ action: 'cancel', filter: {} }],
  purgeQueue: ['x', { states: 'completed' }],
  ...Object.fromEntries(
    ['cancelJobs', 'retryJobs', 'deleteJobs', 'retryDeadLetterJobs', 'purgeDeadLetter'].map((name) => [name, [{}]]),
  ),
};

/** Methods with code of their own, and the operations that they send. */
const own: Readonly<Record<string, readonly [calls: readonly [string, ...unknown[]], ...OperationName[]]>> = {
  enqueue: [['enqueue', 'a.job', []], 'bulk.enqueue'],
  enqueueBatch: [['enqueueBatch', [{ type: 'a.job', args: [] }]], 'job.enqueueBatch'],
  workflow: [['workflow', chain('one', [{ type: 'a.job', args: [] }])], 'workflow.create'],
  registerCronJob: [['registerCronJob', 'tick', '@daily', 'a.job'], 'cron.register'],
  getWorkflow: [['getWorkflow', 'x'], 'workflow.get'],
  rerunWorkflow: [['rerunWorkflow', 'x'], 'workflow.rerun'],
  signal: [['signal', 'x', 'approval', null], 'signal.send'],
  signalToken: [['signalToken', 'x', null], 'signal.send'],
  startBulk: [['startBulk', { action: 'cancel', filter: {} }], 'bulk.start'],
  undoBulk: [['undoBulk', 'x'], 'bulk.undo'],
};

/** Operations that no method sends by itself. */
const others: Partial<Record<OperationName, string>> = {
  'job.enqueue': 'Client.enqueue, for a call alone',
  'event.list': 'Client.events, where a server has no streams',
  'job.results': 'JobHandle.wait',
  'job.result': 'not needed: JobHandle.wait asks for many jobs at once, and by job.get where a server cannot',
  'job.reportProgress': 'Worker: ctx.progress',
  'job.saveCheckpoint': 'Worker: ctx.checkpoint',
  'worker.fetch': 'Worker',
  'worker.steps': 'Worker',
  'worker.ack': 'Worker',
  'workflow.results': 'Worker: the results of ctx.run() and ctx.runAll()',
  'worker.nack': 'Worker',
  'worker.heartbeat': 'Worker',
  'worker.exchange': 'Worker',
  'job.retry': 'not needed: Admin.retryJob sends bulk.retry, which servers without ojs-admin-api have too',
  'worker.progress': 'not needed: job.reportProgress as the official SDKs send it',
  'worker.register': 'not needed: the first heartbeat of a Worker makes it known',
  'worker.deregister': 'not needed: the last heartbeat of a Worker deregisters it',
  'worker.direct': 'not needed: Admin.quietWorker and the methods beside it, as the published command line sends them',
  'queue.limit': 'not needed: Admin.configureQueue sets the same numbers',
  'cron.preview': 'not needed: nextRuns returns the same without a server',
  'system.openapi': 'not needed: a document for generators of clients',
  'system.metrics': 'not needed: a text for Prometheus; Admin.stats and Admin.statsHistory have figures for programs',
  // Spellings of ojs-admin-api.
  ...Object.fromEntries(
    `admin.jobs admin.job admin.cancelJobs admin.retryJobs admin.deleteJobs admin.deadLetters admin.queue
     schema.put schema.getFlat schema.getVersionFlat`
      .split(/\s+/)
      .map((name) => [name, 'not needed: the dialect of ojs-admin-api']),
  ),
};

/** The operation that a method sends first. */
function operationOf(name: string, row: Row): OperationName | undefined {
  const { made } = called(row, given[name] ?? ['x', 'x'].slice(0, lengthOf(row)));
  const operation = typeof made === 'function' ? made({ limit: 1, offset: undefined, cursor: undefined }) : made;
  const step = operation.next();
  return step.done ? undefined : step.value.call.operation;
}

function lengthOf(row: Row): number {
  return typeof row === 'function' ? row.length : row.make.length - 1;
}

test('every operation has a method, or a reason why it needs none', () => {
  const rows = [...Object.entries(clientRows), ...Object.entries(adminRows)];
  const sent = rows.map(([name, row]) => operationOf(name, row));
  const owned = Object.values(own).flatMap(([, ...operations]) => operations);
  const reached = new Set([...sent, ...owned, ...Object.keys(others)]);
  expect(operationNames.filter((name) => !reached.has(name))).toEqual([]);
  // A reason for an operation that has a method would be wrong.
  expect(Object.keys(others).filter((name) => sent.some((one) => one === name))).toEqual([]);
});

test('the methods with code of their own send these operations', async () => {
  await using embedded = await openEmbedded('memory:');
  for (const [[method, ...args], ...operations] of Object.values(own)) {
    const wire = new Faulty(embedded);
    await using client = new Client(wire, { requestRetry: false });
    await using admin = new Admin(wire, { requestRetry: false });
    const owner = method in client ? client : admin;
    const call = () => Promise.resolve(Reflect.apply(Reflect.get(owner, method), owner, args)).catch(() => {});
    await Promise.all(method === 'enqueue' ? [call(), call()] : [call()]);
    expect([method, wire.calls.map((one) => one.operation)]).toEqual([method, expect.arrayContaining(operations)]);
  }
});

test('events are read by polling where a server has no streams', async () => {
  await using embedded = await openEmbedded('memory:');
  const wire = new Faulty(embedded);
  const client = new Client({ call: (call) => wire.call(call), [Symbol.asyncDispose]: async () => {} });
  await client.enqueue('a.job', []);
  expect((await client.events({ after: '0' })[Symbol.asyncIterator]().next()).done).toBe(false);
  expect(wire.calls.map(({ operation }) => operation)).toContain('event.list');
});

test('the sync client has every method of a Client but those that are asynchronous by nature', () => {
  const missing = Object.getOwnPropertyNames(Client.prototype).filter((name) => !(name in SyncClient.prototype));
  expect(missing).toEqual(['enqueueMiddleware', 'events']);
});
