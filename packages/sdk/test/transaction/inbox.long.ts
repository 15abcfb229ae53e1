import { readEntries } from '@ojs-ts/core/events';
import { startServer } from '@ojs-ts/server';
import { describe, expect } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { OJSError, OJSValidationError } from '../../src/index.ts';
import { inbox, pgTransaction, TransactionClient } from '../../src/transaction/index.ts';
import { begin, openStore, postgres } from './store.ts';

/** Everything that the engine does by itself, once. */
const upkeep = async ({ server }: Pick<Awaited<ReturnType<typeof openStore>>, 'server'>) => server.engine.upkeep.run();

describe.skipIf(postgres === null)('the inbox of PostgreSQL', () => {
  const it = testWith(openStore);

  it('rolling back a savepoint removes its jobs only', async (store) => {
    const { client, end } = await begin(store);
    const tx = pgTransaction(client);
    const before = await store.jobs.enqueue(tx, 'a.job', []);
    await client.query('SAVEPOINT inner_one');
    const undone = await store.jobs.enqueue(tx, 'a.job', []);
    await client.query('ROLLBACK TO SAVEPOINT inner_one');
    const after = await store.jobs.enqueue(tx, 'a.job', []);
    await end('COMMIT');
    expect(await store.client.getJob(before.id)).toMatchObject({ state: 'available' });
    expect(await store.client.getJob(after.id)).toMatchObject({ state: 'available' });
    await expect(store.client.getJob(undone.id)).rejects.toThrow('no job');
  });

  it('an open transaction delays no other job, limit, queue, event, upkeep or migration', async (store) => {
    const { storage } = store.server.engine;
    await storage.registry.configureQueue('bounded', { capacity: 1000 }, Date.now());
    const { client, end } = await begin(store);
    const unique = { keys: ['args' as const], onConflict: 'replace' as const };
    const own = await store.jobs.enqueue(pgTransaction(client), 'a.job', ['same'], { queue: 'bounded', unique });

    const times: number[] = [];
    const timed = async <T>(work: Promise<T>): Promise<T> => {
      const began = performance.now();
      const result = await work;
      times.push(performance.now() - began);
      return result;
    };
    const others: string[] = [];
    for (let round = 0; round < 20; round++) {
      const { id } = await timed(store.client.enqueue('a.job', ['same'], { queue: 'bounded', unique }));
      others.push(id);
      const [claimed] = await timed(
        store.server.engine.protocol.fetch({
          queues: ['bounded'],
          count: 1,
          worker: 'w',
          leaseMs: null,
          request: null,
          waitMs: 0,
        }),
      );
      expect(claimed?.id).toBe(id);
      await timed(
        store.server.engine.protocol.settle({
          kind: 'ack',
          id,
          claim: claimed?.claim ?? null,
          worker: 'w',
          result: null,
        }),
      );
      await timed(upkeep(store));
    }
    const before = (await storage.events(0, 1000)).newest;
    // The worker, then enqueued, started, completed: positions go on past what the open transaction holds.
    expect(before).toBe(61);
    await using second = await startServer({ storage: store.url, port: 0, log: false }).then((server) => ({
      server,
      [Symbol.asyncDispose]: () => server.close(),
    }));
    expect(await second.server.engine.jobs.get(own.id)).toBeNull();
    // Who waited for the transaction would do so until it ends, or for 30 s.
    expect(Math.max(...times), 'the slowest of 80 calls, in milliseconds').toBeLessThan(20_000);

    await end('COMMIT');
    expect(await store.client.getJob(own.id)).toMatchObject({ state: 'available' });
    expect((await storage.events(before, 10)).newest).toBe(62);
  });

  it('the jobs of a transaction keep their order, and two servers import each job once', async (store) => {
    const others = await Promise.all([1, 2].map(() => startServer({ storage: store.url, port: 0, log: false })));
    const transactions = await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const { client, end } = await begin(store);
        const tx = pgTransaction(client);
        const ids: string[] = [];
        for (let n = 0; n < 5; n++) ids.push((await store.jobs.enqueue(tx, 'a.job', [at, n])).id);
        const requests = Array.from({ length: 60 }, (_, n) => ({ type: 'a.job', args: [at, 5 + n] }));
        ids.push(...(await store.jobs.enqueueBatch(tx, requests)).map(({ id }) => id));
        await end('COMMIT');
        return ids;
      }),
    );
    await Promise.all(transactions.map((ids) => store.client.getJob(ids.at(-1) ?? '')));
    const order: string[] = [];
    for (;;) {
      const jobs = await store.server.engine.protocol.fetch({
        ...{ queues: ['default'], count: 100, worker: 'w', leaseMs: null, request: null, waitMs: 0 },
      });
      if (jobs.length === 0) break;
      order.push(...jobs.map(({ id }) => id));
    }
    expect(order).toHaveLength(12 * 65);
    for (const ids of transactions) expect(order.filter((id) => ids.includes(id))).toEqual(ids);
    const { batches } = await store.server.engine.storage.events(0, 100_000);
    const created = batches.flatMap(({ entries }) => readEntries(entries)).filter(([kind]) => kind === 'job.enqueued');
    expect(created).toHaveLength(12 * 65);
    await Promise.all(others.map((server) => server.close()));
  });

  it('a server imports jobs that were committed before it started', async (store) => {
    await store.server.close();
    const { client, end } = await begin(store);
    const job = await store.jobs.enqueue(pgTransaction(client), 'a.job', ['kept']);
    await end('COMMIT');
    const server = await startServer({ storage: store.url, port: 0, log: false });
    expect(await server.engine.jobs.get(job.id)).toMatchObject({ id: job.id });
    await server.close();
  });

  it('a notification brings a job to a waiting fetch before the next poll of the inbox', async (store) => {
    const waiting = store.server.engine.protocol.fetch({
      queues: ['q'],
      count: 1,
      worker: 'w',
      leaseMs: null,
      request: null,
      waitMs: 20_000,
    });
    const { client, end } = await begin(store);
    const job = await store.jobs.enqueue(pgTransaction(client), 'a.job', [], { queue: 'q' });
    await end('COMMIT');
    expect((await waiting).map(({ id }) => id)).toEqual([job.id]);
  });

  it('a job refused after the commit is kept as discarded with the reason, and the log has it', async (store) => {
    const { engine } = store.server;
    await engine.storage.registry.configureQueue('full', { capacity: 1 }, Date.now());
    await store.client.enqueue('a.job', [], { queue: 'full' });
    const unique = (onConflict: 'reject' | 'ignore' | 'replace_except_schedule') => ({
      keys: ['args' as const],
      onConflict,
    });
    const holder = await store.client.enqueue('a.job', ['unique'], { unique: unique('reject') });
    const scheduled = await store.client.enqueue('a.job', ['later'], {
      unique: unique('reject'),
      delay: '1h',
      meta: { old: true },
    });
    const schema = { type: 'array', items: { type: 'number' } };
    await engine.schemas.register({
      type: 'b.job',
      version: '1',
      numeric: true,
      uri: 'urn:b',
      mode: 'strict',
      text: JSON.stringify(schema),
    });

    const { client, end } = await begin(store);
    const tx = pgTransaction(client);
    const full = await store.jobs.enqueue(tx, 'a.job', [], { queue: 'full' });
    const duplicate = await store.jobs.enqueue(tx, 'a.job', ['unique'], { unique: unique('reject') });
    const ignored = await store.jobs.enqueue(tx, 'a.job', ['unique'], { unique: unique('ignore') });
    const updating = await store.jobs.enqueue(tx, 'a.job', ['later'], {
      unique: unique('replace_except_schedule'),
      meta: { fresh: true },
    });
    const wrong = await store.jobs.enqueue(tx, 'b.job', ['no number']);
    await store.jobs.enqueue(tx, 'a.job', ['another'], { id: holder.id });
    const malformed = '019bd000-0000-7000-8000-000000000001';
    await client.query(`INSERT INTO "${store.schema}".inbox (id, request) VALUES ($1, '{"type": 7')`, [malformed]);
    const good = await store.jobs.enqueue(tx, 'a.job', ['good']);
    await end('COMMIT');

    expect(await store.client.getJob(good.id)).toMatchObject({ state: 'available' });
    const stateAndMessage = async (id: string) => {
      const { state, raw } = await store.client.getJob(id);
      return [state, JSON.stringify(raw.error ?? raw.errors)];
    };
    expect(await stateAndMessage(full.id)).toEqual([
      'discarded',
      expect.stringMatching(/queue_full.*holds? .*at most 1|queue_full/),
    ]);
    expect(await stateAndMessage(duplicate.id)).toEqual([
      'discarded',
      expect.stringContaining(`Job ${holder.id} has the same unique key and is available`),
    ]);
    expect(await stateAndMessage(ignored.id)).toEqual([
      'discarded',
      expect.stringContaining('the policy of this one ignores it'),
    ]);
    expect(await stateAndMessage(updating.id)).toEqual([
      'discarded',
      expect.stringContaining('it got the args and meta of this one'),
    ]);
    expect(await store.client.getJob(scheduled.id)).toMatchObject({ state: 'scheduled', meta: { fresh: true } });
    expect(await stateAndMessage(wrong.id)).toEqual(['discarded', expect.stringContaining('schema_validation')]);
    expect(await stateAndMessage(malformed)).toEqual(['discarded', expect.stringContaining('invalid_payload')]);
    // The id belongs to the first: the second is kept under one of its own.
    expect(await store.client.getJob(holder.id)).toMatchObject({ args: ['unique'], state: 'available' });
    const { items } = await engine.storage.jobs.list({ states: 128, queue: 'ojs.refused', limit: 10 });
    expect(items).toHaveLength(2);
    expect(items.map(({ history }) => history).join()).toContain(`Another job has the id ${holder.id}`);
    expect(items.map(({ envelope }) => envelope).join()).toContain('another');
    const { batches } = await engine.storage.events(0, 1000);
    expect(batches.flatMap(({ entries }) => entries.match(/job\.discarded/g) ?? [])).toHaveLength(7);
    expect(await store.client.health()).toMatchObject({ inbox_depth: 0 });
  });

  it('bad input is refused before anything is written; a missing inbox gives advice', async (store) => {
    const { client, end } = await begin(store);
    const tx = pgTransaction(client);
    await expect(store.jobs.enqueue(tx, 'Not A Type', [])).rejects.toThrow(OJSValidationError);
    expect(() => inbox({ schema: 'no"name' })).toThrow(OJSValidationError);
    const elsewhere = new TransactionClient({ destination: inbox({ schema: 'nothing_here' }) });
    await expect(elsewhere.enqueue(tx, 'a.job', [])).rejects.toThrow(OJSError);
    await client.query('ROLLBACK');
    await client.query('BEGIN');
    await expect(elsewhere.enqueue(tx, 'a.job', [])).rejects.toThrow('The database has no table "nothing_here".inbox');
    await end('ROLLBACK');
  });

  it('enqueue middleware can change and drop jobs of a transaction', async (store) => {
    const jobs = new TransactionClient({
      destination: inbox({ schema: store.schema }),
      middleware: [
        async (request, next) =>
          request.type === 'drop.me' ? null : next({ ...request, meta: { ...request.meta, trace: 'x' } }),
      ],
    });
    const { client, end } = await begin(store);
    const [kept, dropped] = await jobs.enqueueBatch(pgTransaction(client), [
      { type: 'keep.me', args: [1] },
      { type: 'drop.me', args: [2] },
    ]);
    await end('COMMIT');
    expect([kept?.outcome, dropped?.outcome]).toEqual(['staged', 'dropped']);
    expect(await store.client.getJob(kept?.id ?? '')).toMatchObject({ meta: { trace: 'x' }, args: [1] });
  });
});
