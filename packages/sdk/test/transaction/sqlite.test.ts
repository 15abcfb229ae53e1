import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Leases, newKey } from '@ojs-ts/core/job';
import { openEmbedded } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { temporaryDirectory } from '../../../server/test/storage/sqlite/temporary.ts';
import { bench } from '../../../server/test/support/engine.ts';
import { Client, defineJob, JobNotFoundError, job, type StandardSchemaV1, Worker } from '../../src/index.ts';
import { readJob } from '../../src/job/read-job.ts';
import { TransactionClient, withTransaction } from '../../src/transaction/index.ts';
import { keepingLogger } from '../support/log.ts';

/** An embedded engine on a file, and a connection of the user's own to the same file. */
async function openBoth() {
  const path = join(temporaryDirectory(), 'jobs.db');
  const embedded = await openEmbedded(`sqlite:${path}`);
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE users (email TEXT NOT NULL)');
  const client = new Client(embedded);
  return {
    ...{
      path,
      embedded,
      database,
      client,
      users: () =>
        database
          .prepare('SELECT email FROM users')
          .all()
          .map(({ email }) => email),
    },
    async [Symbol.asyncDispose]() {
      database.close();
      await embedded[Symbol.asyncDispose]();
    },
  };
}

const it = testWith(openBoth);

it('the job is there if and only if the transaction commits, nested ones by themselves', async (both) => {
  const { database, client } = both;
  const add = (email: string) => database.prepare('INSERT INTO users (email) VALUES (?)').run(email);
  const inner: Promise<unknown>[] = [];
  const ids = await withTransaction(database, (jobs) => {
    add('a');
    const outer = jobs.enqueue({ type: 'a.job', args: ['\u0000"é', 1e21], queue: 'q', meta: { a: 1 } });
    inner.push(
      withTransaction(database, (nested) => {
        add('b');
        nested.enqueue({ type: 'a.job', args: ['never'], queue: 'q' });
        throw new Error('inner');
      }).catch((error: Error) => error.message),
    );
    const last = jobs.enqueue({ type: 'a.job', args: ['last'], queue: 'q' });
    return [outer.id, last.id];
  });
  expect(await Promise.all(inner)).toEqual(['inner']);
  expect(both.users()).toEqual(['a']);
  expect(await client.getJob(ids[0] ?? '')).toMatchObject({
    args: ['\u0000"é', 1e21],
    meta: { a: 1 },
    state: 'available',
  });
  const { items } = await both.embedded.engine.storage.jobs.list({ states: 0xff, limit: 10 });
  expect(items.map(({ id }) => id)).toEqual([...ids].reverse());

  let undone = '';
  const failing = withTransaction(database, (jobs) => {
    add('c');
    undone = jobs.enqueue({ type: 'a.job', args: [] }).id;
    throw new Error('outer');
  });
  await expect(failing).rejects.toThrow('outer');
  expect(both.users()).toEqual(['a']);
  await expect(client.getJob(undone)).rejects.toThrow(JobNotFoundError);
});

it('an asynchronous function is refused, and its writes are rolled back', async (both) => {
  const { database } = both;
  const open = withTransaction(database, async (jobs) => {
    database.exec(`INSERT INTO users VALUES ('a')`);
    jobs.enqueue({ type: 'a.job', args: [] });
    await Promise.resolve();
  });
  await expect(open).rejects.toThrow('takes a synchronous function');
  expect(database.isTransaction).toBe(false);
  expect(both.users()).toEqual([]);
  expect((await both.embedded.engine.storage.jobs.list({ states: 0xff, limit: 1 })).items).toEqual([]);
});

it('the engine and transactions take turns while both write', async (both) => {
  const { database, client } = both;
  const work = Array.from({ length: 200 }, (_, n) => [
    client.enqueue('a.job', [n], { queue: 'direct' }),
    withTransaction(database, (jobs) => jobs.enqueue({ type: 'a.job', args: [n], queue: 'staged' })),
  ]);
  await Promise.all(work.flat());
  const last = await work.at(-1)?.[1];
  await client.getJob(last?.id ?? '');
  const queues = await both.embedded.engine.storage.registry.queues();
  expect(queues.map(({ name, counts }) => [name, counts])).toEqual([
    ['direct', { 2: 200 }],
    ['staged', { 2: 200 }],
  ]);
});

it('middleware and schemas run before, with prepare', async (both) => {
  const jobs = new TransactionClient({
    middleware: [async (request, next) => next({ ...request, meta: { trace: 'x' } })],
  });
  const prepared = await jobs.prepare({ ...defineJob('a.job', { queue: 'typed' }).defaults, type: 'a.job', args: [1] });
  if (prepared === null) throw new Error('Nothing dropped it.');
  const { id } = await withTransaction(both.database, (tx) => tx.enqueue(prepared));
  expect(await both.client.getJob(id)).toMatchObject({ meta: { trace: 'x' }, queue: 'typed' });
});

it('complete() commits with the handler’s writes, once, fenced by the lease', async (both) => {
  const { database, client, embedded } = both;
  const worker = new Worker(embedded, { queues: ['q'], handleSignals: false, logger: keepingLogger() });
  worker.register('a.job', async (ctx) => {
    await withTransaction(database, (jobs) => {
      database.exec(`INSERT INTO users VALUES ('by handler')`);
      jobs.complete(ctx, { by: 'transaction' });
    });
    return { by: 'ack' };
  });
  const job = await client.enqueue('a.job', [], { queue: 'q' });
  expect(await worker.runUntil(job.wait())).toEqual({ by: 'transaction' });
  expect(both.users()).toEqual(['by handler']);

  const path = join(temporaryDirectory(), 'timed.db');
  await using b = await bench(`sqlite:${path}`);
  using own = new DatabaseSync(path);
  const held = await b.start('w1');
  const context = {
    jobId: held.id,
    job: readJob({ id: held.id, type: 'a.b', x_lease: new Leases(newKey()).of({ id: held.id, claim: held.claim }) }),
  };
  const unsendable = withTransaction(own, (jobs) => jobs.complete(context, { total: 1n }));
  await expect(unsendable).rejects.toThrow('result.total: bigint is no JSON value');
  const large = withTransaction(own, (jobs) => jobs.complete(context, 'x'.repeat(1_048_576)));
  await expect(large).rejects.toThrow('result: 1048578 bytes of JSON, and the server takes 1048576');
  await withTransaction(own, (jobs) => jobs.complete(context, 'done'));
  b.clock.advance(10_000_000);
  await b.engine.upkeep.settleOverdue();
  expect(await b.engine.storage.jobs.get([held.id])).toMatchObject([{ state: 16, result: '"done"' }]);
  await expect(withTransaction(own, (jobs) => jobs.complete(context))).rejects.toThrow('not ours any more');
});

it('a schema that transforms: the args are written as they were given, for the worker to parse, whatever the middleware', async (both) => {
  const doubled = defineJob<'number.doubled', StandardSchemaV1<[string], [number]>>('number.doubled', {
    args: {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) =>
          Array.isArray(value) && typeof value[0] === 'string'
            ? { value: [Number(value[0]) * 2] as [number] }
            : { issues: [{ message: 'expected a text' }] },
      },
    },
  });
  const clients = [new TransactionClient(), new TransactionClient({ middleware: [(request, next) => next(request)] })];
  const seen: unknown[] = [];
  for (const transactions of clients) {
    const request = await transactions.prepare(job(doubled, ['21']));
    if (request === null) throw new Error('dropped');
    const { id } = await withTransaction(both.database, (jobs) => jobs.enqueue(request));
    const worker = new Worker(both.embedded, { handleSignals: false, logger: keepingLogger() });
    worker.register(doubled, ({ args }) => void seen.push(args));
    const handle = await both.client.getJob(id);
    await worker.runUntil(() => handle.wait());
  }
  expect(seen).toEqual([[42], [42]]);
});

test('a file without a store gives the error of SQLite', async () => {
  const database = new DatabaseSync(join(temporaryDirectory(), 'app.db'));
  try {
    await expect(withTransaction(database, (jobs) => jobs.enqueue({ type: 'a.job', args: [] }))).rejects.toThrow(
      'The SQLite file has no table ojs_inbox. For an inbox open the file of the server (ojs serve --storage sqlite:FILE makes its tables); for an outbox call createOutbox() first.',
    );
  } finally {
    database.close();
  }
});
