import { Leases, newKey } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { bench } from '../../../server/test/support/engine.ts';
import { type JobContext, OJSError, Worker } from '../../src/index.ts';
import { readJob } from '../../src/job/read-job.ts';
import { pgTransaction } from '../../src/transaction/index.ts';
import { keepingLogger } from '../support/log.ts';
import { begin, openDatabase, openStore, postgres } from './store.ts';

/** What a handler has of its job, for executions that no worker runs. */
function contextOf({ id, claim }: { readonly id: string; readonly claim: number }) {
  return { jobId: id, job: readJob({ id, type: 'a.b', x_lease: new Leases(newKey()).of({ id, claim }) }) };
}

describe.skipIf(postgres === null)('completion in the handler’s transaction on PostgreSQL', () => {
  test('the handler’s writes and the completion commit together; the later ack changes nothing', async () => {
    await using store = await openStore();
    const log = keepingLogger();
    await using worker = new Worker(store.server.url, { queues: ['q'], handleSignals: false, logger: log });
    worker.register('user.create', async (ctx: JobContext<[string]>) => {
      const { client, end } = await begin(store);
      await client.query(`INSERT INTO "${store.schema}".users (email) VALUES ($1)`, [ctx.args[0]]);
      const next = await store.jobs.enqueue(pgTransaction(client), 'user.greet', [ctx.args[0]], { queue: 'later' });
      await store.jobs.complete(pgTransaction(client), ctx, { by: 'transaction', next: next.id });
      await end('COMMIT');
      return { by: 'ack' };
    });
    const job = await store.client.enqueue('user.create', ['a@example.org'], { queue: 'q' });
    const result = await worker.runUntil(job.wait());
    expect(result).toMatchObject({ by: 'transaction' });
    const done = await store.client.getJob(job.id);
    expect(done).toMatchObject({ state: 'completed', attempt: 1, result: { by: 'transaction' } });
    expect((await store.pool.query(`SELECT email FROM "${store.schema}".users`)).rows).toEqual([
      { email: 'a@example.org' },
    ]);
    expect(log.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    const { batches } = await store.server.engine.storage.events(0, 1000);
    expect(batches.flatMap(({ entries }) => entries.match(/job\.completed/g) ?? [])).toHaveLength(1);
  });

  test('after a rollback the worker keeps the job; a lost lease fails the transaction', async () => {
    await using store = openDatabase();
    await using b = await bench(store.url);
    const job = await b.start('w1');
    const first = await begin(store);
    await store.jobs.complete(pgTransaction(first.client), contextOf(job), 'never');
    await first.end('ROLLBACK');
    expect(await b.get(job.id)).toMatchObject({ state: 8, claim: 1 });

    b.clock.advance(1_800_000);
    await b.engine.upkeep.settleOverdue();
    expect(await b.get(job.id)).toMatchObject({ state: 32 });
    const late = await begin(store);
    const failing = store.jobs.complete(pgTransaction(late.client), contextOf(job));
    await expect(failing).rejects.toThrow(OJSError);
    await expect(failing).rejects.toThrow('The job is not ours any more');
    await late.end('ROLLBACK');
    // Nor does the next execution’s claim fit the old one.
    b.clock.advance(3_600_000);
    expect(await b.fetch({ queues: [job.queue], worker: 'w2' })).toMatchObject([{ id: job.id, claim: 2 }]);
    const later = await begin(store);
    await expect(store.jobs.complete(pgTransaction(later.client), contextOf(job))).rejects.toThrow('not ours any more');
    await later.end('ROLLBACK');
  });

  test('an open transaction keeps the job from others without blocking them; after the commit the job is completed', async () => {
    await using store = openDatabase();
    await using b = await bench(store.url);
    const job = await b.start('w1');
    const other = await b.start('w1');
    const { client, end } = await begin(store);
    await store.jobs.complete(pgTransaction(client), contextOf(job), { done: 1 });

    // Heartbeats extend both, acks of the same worker pass.
    const beat = { worker: 'w1', leaseMs: 1, state: 'running' as const, info: '{}' };
    const holds = [job, other].map(({ id, claim }) => ({ id, claim }));
    expect(await b.engine.protocol.beat({ ...beat, holds })).toMatchObject({ extended: [job.id, other.id], lost: [] });
    expect(
      await b.engine.protocol.settle({ kind: 'ack', id: other.id, claim: 1, worker: 'w1', result: null }),
    ).toMatchObject({ kind: 'completed' });
    // Its end is long due: upkeep, the fear for its worker, a cancel and a failure all let it be.
    b.clock.advance(10_000_000);
    await b.engine.upkeep.settleOverdue();
    await b.engine.upkeep.settleLiveness();
    await expect(b.engine.lifecycle.cancel(job.id, null)).rejects.toThrow('keep changing the job');
    const failure = { code: 'x', type: 'x', message: 'x', names: [] };
    expect(await b.engine.protocol.settle({ kind: 'fail', id: job.id, claim: 1, worker: 'w1', failure })).toMatchObject(
      { kind: 'conflict' },
    );
    expect(await b.start('w3')).toMatchObject({ state: 8 });
    expect(await b.engine.storage.jobs.get([job.id])).toMatchObject([{ state: 8, claim: 1 }]);

    await end('COMMIT');
    // Nothing has taken the completion in yet: what is overdue meets it first.
    await b.engine.upkeep.settleOverdue();
    expect(await b.engine.storage.jobs.get([job.id])).toMatchObject([{ state: 16, claim: 1, result: '{"done":1}' }]);
    await expect(b.engine.lifecycle.cancel(job.id, null)).rejects.toThrow('completed');
  });

  test('a unique policy does not replace a job whose completion is committed', async () => {
    await using store = await openStore();
    const unique = { keys: ['args' as const], onConflict: 'replace' as const };
    const { id } = await store.client.enqueue('a.job', [1], { unique });
    const [job] = await store.server.engine.protocol.fetch({
      ...{ queues: ['default'], count: 1, worker: 'w', leaseMs: null, request: null, waitMs: 0 },
    });
    const { client, end } = await begin(store);
    await store.jobs.complete(pgTransaction(client), contextOf(job ?? { id, claim: 1 }));
    await expect(store.client.enqueue('a.job', [1], { unique })).rejects.toThrow('has the same unique key');
    await end('COMMIT');
    expect(await store.client.getJob(id)).toMatchObject({ state: 'completed' });
    expect(await store.client.enqueue('a.job', [1], { unique })).toMatchObject({ outcome: 'created' });
  });

  test('a transaction above READ COMMITTED is refused', async () => {
    await using store = await openStore();
    const client = await store.pool.connect();
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const completing = store.jobs.complete(
      pgTransaction(client),
      contextOf({ id: '019bd000-0000-7000-8000-000000000001', claim: 1 }),
    );
    await expect(completing).rejects.toThrow('READ COMMITTED transaction; this one is REPEATABLE READ');
    await client.query('ROLLBACK');
    client.release();
  });
});
