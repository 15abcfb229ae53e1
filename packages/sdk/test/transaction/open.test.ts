import { DatabaseSync } from 'node:sqlite';
import { Leases, newKey } from '@ojs-ts/core/job';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { OJSValidationError } from '../../src/index.ts';
import { readJob } from '../../src/job/read-job.ts';
import {
  createOutbox,
  outbox,
  pgTransaction,
  TransactionClient,
  withTransaction,
} from '../../src/transaction/index.ts';
import { openStore, postgres, type Store } from './store.ts';

const refusal =
  'tx: no transaction is open on this client: send BEGIN first, and await enqueue() before COMMIT. Nothing was written';

describe.skipIf(postgres === null)('a job that would be written outside of the transaction on PostgreSQL', () => {
  let store: Store;
  beforeAll(async () => {
    store = await openStore();
  });
  afterAll(() => store[Symbol.asyncDispose]());

  /** A connection that no other test has. */
  async function connect(): Promise<pg.Client & AsyncDisposable> {
    const client = new pg.Client({ connectionString: store.database });
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
  }

  /** How many rows the table of a type has, in the inbox or among the jobs. */
  async function countOf(type: string): Promise<number> {
    await store.server.engine.outboxImport?.run();
    const { items } = await store.server.engine.storage.jobs.list({ states: 0xff, limit: 1000 });
    return items.filter(({ envelope }) => envelope.includes(`"${type}"`)).length;
  }

  const it = testWith(connect);

  it('without BEGIN', async (client) => {
    const enqueuing = store.jobs.enqueue(pgTransaction(client), 'never.begun', []);
    await expect(enqueuing).rejects.toThrow(OJSValidationError);
    await expect(enqueuing).rejects.toThrow(refusal);
    expect(await countOf('never.begun')).toBe(0);
  });

  it('BEGIN on another connection of the pool', async (client) => {
    await using other = await connect();
    await other.query('BEGIN');
    await expect(store.jobs.enqueue(pgTransaction(client), 'begun.elsewhere', [])).rejects.toThrow(refusal);
    await other.query('ROLLBACK');
    expect(await countOf('begun.elsewhere')).toBe(0);
  });

  test.each(['COMMIT', 'ROLLBACK'])(
    'without await before %s, whether or not the transaction has written before',
    async (end) => {
      await using client = await connect();
      for (const first of ['SELECT 1', `INSERT INTO "${store.schema}".users (email) VALUES ('a')`]) {
        await client.query('BEGIN');
        await client.query(first);
        const enqueuing = store.jobs.enqueue(pgTransaction(client), 'not.awaited', []);
        const ending = client.query(end);
        await expect(enqueuing).rejects.toThrow(refusal);
        await ending;
      }
      expect(await countOf('not.awaited')).toBe(0);
    },
  );

  it('the transaction ends between the statements, and another one begins', async (client) => {
    await client.query('BEGIN');
    const tx = pgTransaction(client);
    let asked = 0;
    const interrupted = {
      ...tx,
      async query(text: string, values: Parameters<typeof tx.query>[1]) {
        const rows = await tx.query(text, values);
        // After the mark.
        if (++asked === 2) {
          await client.query('ROLLBACK');
          await client.query('BEGIN');
        }
        return rows;
      },
    };
    await expect(store.jobs.enqueue(interrupted, 'other.transaction', [])).rejects.toThrow(refusal);
    await client.query('COMMIT');
    expect(await countOf('other.transaction')).toBe(0);
  });

  it('the first that a transaction writes, and one statement for what follows', async (client) => {
    const tx = pgTransaction(client);
    const asked: string[] = [];
    const counted = {
      ...tx,
      query: (text: string, values: Parameters<typeof tx.query>[1]) => {
        asked.push(text.trim().slice(0, 6));
        return tx.query(text, values);
      },
    };
    for (const isolation of ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE']) {
      asked.length = 0;
      await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
      await store.jobs.enqueue(counted, 'first.written', []);
      expect(asked).toEqual(['WITH p', 'SELECT', 'WITH p']);
      await client.query('SAVEPOINT one');
      await store.jobs.enqueueBatch(counted, [
        { type: 'first.written', args: [] },
        { type: 'first.written', args: [] },
      ]);
      expect(asked).toHaveLength(4);
      await client.query('COMMIT');
    }
    expect(await countOf('first.written')).toBe(9);
    // Nothing of the mark stays with the connection.
    await expect(store.jobs.enqueue(tx, 'first.written', [])).rejects.toThrow(refusal);
  });

  it('an outbox', async (client) => {
    const table = `${store.schema}.ojs_outbox`;
    const tx = pgTransaction(client);
    await createOutbox(tx, { table });
    const jobs = new TransactionClient({ destination: outbox({ table }) });
    await expect(jobs.enqueue(tx, 'a.job', [])).rejects.toThrow(refusal);
    await client.query('BEGIN');
    await jobs.enqueue(tx, 'a.job', []);
    await client.query('COMMIT');
    expect((await client.query(`SELECT 1 FROM ${table}`)).rowCount).toBe(1);
  });

  it('a completion', async (client) => {
    const { id } = await store.client.enqueue('to.complete', [], { queue: 'own' });
    const fetch = { queues: ['own'], count: 1, worker: 'w', leaseMs: null, request: null, waitMs: 0 };
    const [job] = await store.server.engine.protocol.fetch(fetch);
    const context = {
      jobId: id,
      job: readJob({ id, type: 'to.complete', x_lease: new Leases(newKey()).of({ id, claim: job?.claim ?? 0 }) }),
    };
    const completing = store.jobs.complete(pgTransaction(client), context);
    await expect(completing).rejects.toThrow(
      'no transaction is open on this client: send BEGIN first, and await complete() before COMMIT',
    );
    await store.server.engine.outboxImport?.run();
    expect(await store.client.getJob(id)).toMatchObject({ state: 'active' });
    await client.query('BEGIN');
    await store.jobs.complete(pgTransaction(client), context);
    await client.query('COMMIT');
    await expect.poll(async () => (await store.client.getJob(id)).state).toBe('completed');
  });
});

test('SQLite: an asynchronous function that was refused enqueues nothing after the rollback', async () => {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE ojs_inbox (id TEXT, request TEXT)');
  let late: Promise<unknown> = Promise.resolve();
  const go = Promise.withResolvers<void>();
  const refused = withTransaction(database, (jobs) => {
    late = go.promise.then(() => jobs.enqueue({ type: 'a.job', args: [] }));
    return late;
  });
  await expect(refused).rejects.toThrow('takes a synchronous function');
  go.resolve();
  await expect(late).rejects.toThrow('database: no transaction is open');
  expect(database.prepare('SELECT * FROM ojs_inbox').all()).toEqual([]);
  database.close();
});
