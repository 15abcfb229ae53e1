import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openEmbedded } from '@ojs-ts/server';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../server/test/storage/sqlite/temporary.ts';
import { Client, type JobContext, type StepInfo, Worker } from '../../src/index.ts';
import { fakeMode, perform } from '../../src/testing/index.ts';
import { pgTransaction, StepRecordedError, TransactionClient, withTransaction } from '../../src/transaction/index.ts';
import { keepingLogger } from '../support/log.ts';
import { begin, openStore, postgres } from './store.ts';

const options = { queues: ['q'], handleSignals: false, logger: keepingLogger() };
const soon = { queue: 'q', retry: { initialInterval: '1ms', maxAttempts: 5 } } as const;

/** What the function of a step does with its transaction. */
type Ending = 'commits' | 'rolls back' | 'commits and throws';

describe.skipIf(postgres === null)('a step in the user’s transaction on PostgreSQL', () => {
  /** Runs a job whose step writes a row. `end` says how the transaction of a try ends, from try 1 on. */
  async function run(end: (attempt: number) => Ending, after: (attempt: number) => void = () => {}) {
    await using store = await openStore();
    await using worker = new Worker(store.server.url, options);
    const errors: unknown[] = [];
    const book = async (step: StepInfo) => {
      const { client, end: close } = await begin(store);
      await client.query(`INSERT INTO "${store.schema}".users (email) VALUES ($1)`, [step.key]);
      try {
        const value = await store.jobs.step(pgTransaction(client), step, { big: 'x'.repeat(2_000), try: step.attempt });
        const ending = end(step.attempt);
        await close(ending === 'rolls back' ? 'ROLLBACK' : 'COMMIT');
        if (ending !== 'commits') throw new Error(ending);
        return value;
      } catch (error) {
        errors.push(error);
        if (error instanceof StepRecordedError) await close('ROLLBACK');
        throw error;
      }
    };
    worker.register('user.book', async (ctx: JobContext) => {
      const booked = await ctx.step('book', book, { retry: { initialInterval: '1ms' } });
      after(ctx.attempt);
      return { try: booked.try, big: booked.big.length };
    });
    const job = await store.client.enqueue('user.book', [], soon);
    const result = await worker.runUntil(job.wait());
    const rows = (await store.pool.query(`SELECT email FROM "${store.schema}".users`)).rows;
    return { result, rows: rows.map(({ email }) => email === `${job.id}/book`), errors };
  }

  test('the row and the step commit together, and a later execution does not run it again', async () => {
    const throwOnce = (attempt: number) => {
      if (attempt === 1) throw new Error('after the step');
    };
    const ran = await run(() => 'commits', throwOnce);
    expect(ran).toEqual({ result: { try: 1, big: 2_000 }, rows: [true], errors: [] });
  });

  test('a rolled back transaction leaves neither, and the step is tried again', async () => {
    const ran = await run((attempt) => (attempt === 1 ? 'rolls back' : 'commits'));
    expect(ran).toMatchObject({ result: { try: 2, big: 2_000 }, rows: [true] });
  });

  test('a commit whose answer is lost counts: the throw behind it is not believed', async () => {
    const ran = await run(() => 'commits and throws');
    expect(ran).toMatchObject({
      result: { try: 1, big: 2_000 },
      rows: [true],
      errors: [new Error('commits and throws')],
    });
  });

  test('a worker that dies behind the commit leaves a recorded step', async () => {
    await using store = await openStore();
    const committed = Promise.withResolvers<void>();
    const dying = new Worker(store.server.url, { ...options, shutdownTimeout: '1ms' });
    dying.register('user.book', async (ctx: JobContext) => {
      await ctx.step('book', async (step) => {
        const { client, end } = await begin(store);
        await client.query(`INSERT INTO "${store.schema}".users (email) VALUES ('a')`);
        await store.jobs.step(pgTransaction(client), step, 'booked');
        await end('COMMIT');
        committed.resolve();
        return new Promise<string>(() => {});
      });
    });
    const job = await store.client.enqueue('user.book', [], soon);
    const running = dying.start();
    await committed.promise;
    await dying.stop();
    await running;
    await using worker = new Worker(store.server.url, options);
    const again: string[] = [];
    worker.register('user.book', (ctx: JobContext) => ctx.step('book', () => again.push('ran again')));
    expect(await worker.runUntil(job.wait())).toBe('booked');
    expect(again).toEqual([]);
    expect((await store.pool.query(`SELECT email FROM "${store.schema}".users`)).rows).toHaveLength(1);
  });

  test('what is no step, and a database, are refused by name', async () => {
    await using store = await openStore();
    const { client, end } = await begin(store);
    const step = { name: 'a', attempt: 1, key: 'a', signal: new AbortController().signal, log: keepingLogger() };
    await expect(store.jobs.step(pgTransaction(client), step, 1)).rejects.toThrow(
      'step: expected the argument of the function that ctx.step() runs',
    );
    await end('ROLLBACK');
  });
});

test('a step in the user’s transaction on SQLite commits with the user’s row', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  await using embedded = await openEmbedded(`sqlite:${path}`);
  using database = new DatabaseSync(path);
  database.exec('CREATE TABLE users (email TEXT NOT NULL)');
  const client = new Client(embedded);
  await using worker = new Worker(embedded, options);
  const tries: number[] = [];
  worker.register('user.book', async (ctx: JobContext) => {
    const booked = await ctx.step(
      'book',
      async (step) => {
        tries.push(step.attempt);
        const value = await withTransaction(database, (jobs) => {
          database.prepare('INSERT INTO users (email) VALUES (?)').run(step.key);
          if (step.attempt === 1) throw new Error('rolls back');
          return jobs.step(step, { big: 'x'.repeat(2_000) });
        });
        if (step.attempt === 2) throw new Error('behind the commit');
        return value;
      },
      { retry: { initialInterval: '1ms' } },
    );
    if (ctx.attempt === 1) throw new Error('after the step');
    return booked.big.length;
  });
  const job = await client.enqueue('user.book', [], soon);
  expect(await worker.runUntil(job.wait())).toBe(2_000);
  expect(tries).toEqual([1, 2]);
  expect(database.prepare('SELECT email FROM users').all()).toEqual([{ email: `${job.id}/book` }]);
});

test('in perform() a step in a transaction returns its value, and sends nothing to the database', () =>
  fakeMode(async (store) => {
    const jobs = new TransactionClient();
    const sent: string[] = [];
    const tx = { dialect: 'postgres', query: async (text: string) => sent.splice(0, 0, text).map(() => ({})) } as const;
    store.registerHandler('user.book', (ctx: JobContext) => ctx.step('book', (step) => jobs.step(tx, step, 'booked')));
    expect(await perform('user.book', [])).toBe('booked');
    expect(sent).toEqual([]);
  }));
