import { DatabaseSync } from 'node:sqlite';
import { PrismaPg } from '@prisma/adapter-pg';
import { sql } from 'drizzle-orm';
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres';
import { drizzle as drizzleJs } from 'drizzle-orm/postgres-js';
import knexOf from 'knex';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import postgresOf from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JobNotFoundError, OJSValidationError } from '../../src/index.ts';
import {
  drizzleDatabase,
  drizzleTransaction,
  knexDatabase,
  knexTransaction,
  kyselyDatabase,
  kyselyTransaction,
  OutboxRelay,
  pgDatabase,
  pgTransaction,
  postgresDatabase,
  postgresTransaction,
  prismaDatabase,
  prismaTransaction,
  type SqlTransaction,
  sqliteDatabase,
  sqliteTransaction,
  TransactionClient,
} from '../../src/transaction/index.ts';
import { PrismaClient } from './prisma-client.mjs';
import { openStore, postgres, type Store } from './store.ts';

/** What a transaction does in its own tables, and the way in. */
type Work = (tx: SqlTransaction, addUser: (email: string) => Promise<unknown>) => Promise<void>;
/** Runs the work in a transaction, which is rolled back where the work rejects. */
type InTransaction = (store: Store, work: Work) => Promise<void>;

const insert = ({ schema }: Store, email: string) => `INSERT INTO "${schema}".users (email) VALUES ('${email}')`;

const adapters: Readonly<Record<string, InTransaction>> = {
  async pg(store, work) {
    const client = await store.pool.connect();
    try {
      await client.query('BEGIN');
      await work(pgTransaction(client), (email) => client.query(insert(store, email)));
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  },
  async postgres(store, work) {
    const sql = postgresOf(store.database, { max: 1 });
    try {
      await sql.begin(async (sql) => {
        await work(postgresTransaction(sql), async (email) => sql.unsafe(insert(store, email)));
      });
    } finally {
      await sql.end();
    }
  },
  async kysely(store, work) {
    const db = new Kysely<Record<string, Record<string, unknown>>>({
      dialect: new PostgresDialect({ pool: store.pool }),
    });
    await db
      .withSchema(store.schema)
      .transaction()
      .execute((trx) => work(kyselyTransaction(trx), (email) => trx.insertInto('users').values({ email }).execute()));
  },
  async 'drizzle on pg'(store, work) {
    const db = drizzlePg(store.pool);
    await db.transaction((tx) =>
      work(drizzleTransaction(tx, sql), (email) => tx.execute(sql.raw(insert(store, email)))),
    );
  },
  async 'drizzle on postgres'(store, work) {
    const client = postgresOf(store.database, { max: 1 });
    try {
      await drizzleJs(client).transaction((tx) =>
        work(drizzleTransaction(tx, sql), async (email) => tx.execute(sql.raw(insert(store, email)))),
      );
    } finally {
      await client.end();
    }
  },
  async prisma(store, work) {
    const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: store.database }) });
    try {
      await prisma.$transaction((tx) =>
        work(prismaTransaction(tx), async (email) => tx.$queryRawUnsafe(insert(store, email))),
      );
    } finally {
      await prisma.$disconnect();
    }
  },
  async knex(store, work) {
    const knex = knexOf({ client: 'pg', connection: store.database, pool: { min: 0, max: 1 } });
    try {
      await knex.transaction((trx) => work(knexTransaction(trx), async (email) => trx.raw(insert(store, email))));
    } finally {
      await knex.destroy();
    }
  },
};

/**
 * What stands for all connections, given in the place of a transaction: refused by the types, and where nothing checks
 * those.
 */
describe('a root in the place of a transaction', () => {
  const address = 'postgres://nobody@127.0.0.1:1/none';
  const refused = (make: () => unknown, words: string) => {
    expect(make).toThrow(OJSValidationError);
    expect(make).toThrow(words);
  };

  test('pg: a Pool', async () => {
    const pool = new pg.Pool({ connectionString: address });
    // @ts-expect-error a Pool is no client
    refused(() => pgTransaction(pool), 'client: expected a client on which BEGIN was run, got a Pool');
    expect(pgDatabase(pool)).toMatchObject({ dialect: 'postgres', isDatabase: true });
    expect(pgTransaction(new pg.Client({ connectionString: address }))).toMatchObject({ dialect: 'postgres' });
    await pool.end();
  });

  test('postgres: the sql of all connections', async () => {
    const sql = postgresOf(address);
    // @ts-expect-error it has begin()
    refused(() => postgresTransaction(sql), 'sql: expected what sql.begin() gives to its callback');
    expect(postgresDatabase(sql).isDatabase).toBe(true);
    await sql.end();
  });

  test('kysely: db', () => {
    const db = new Kysely<Record<string, never>>({
      dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: address }) }),
    });
    // @ts-expect-error isTransaction is not true
    refused(() => kyselyTransaction(db), 'trx: expected what db.transaction().execute() gives to its callback');
    expect(kyselyDatabase(db).isDatabase).toBe(true);
  });

  test('drizzle: db', () => {
    const db = drizzlePg(new pg.Pool({ connectionString: address }));
    // @ts-expect-error it has no rollback()
    refused(() => drizzleTransaction(db, sql), 'tx: expected what db.transaction() gives to its callback');
    expect(drizzleDatabase(db, sql).isDatabase).toBe(true);
  });

  test('prisma: the client', () => {
    const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: address }) });
    // @ts-expect-error it has $connect()
    refused(() => prismaTransaction(prisma), 'tx: expected what prisma.$transaction() gives to its callback');
    expect(prismaDatabase(prisma).isDatabase).toBe(true);
  });

  test('knex: knex', async () => {
    const knex = knexOf({ client: 'pg', connection: address });
    // @ts-expect-error it has no isCompleted()
    refused(() => knexTransaction(knex), 'trx: expected what knex.transaction() gives to its callback');
    expect(knexDatabase(knex).isDatabase).toBe(true);
    await knex.destroy();
  });

  test('sqlite: a database without an open transaction', async () => {
    const file = new DatabaseSync(':memory:');
    const tx = sqliteTransaction(file);
    await expect(tx.query('SELECT 1 AS one', [])).rejects.toThrow('database: no transaction is open');
    file.exec('BEGIN IMMEDIATE');
    expect(await tx.query('SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
    file.exec('COMMIT');
    expect(await sqliteDatabase(file).query('SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
    file.close();
  });

  test('a database is refused as a transaction, and a transaction as a database', async () => {
    const database = sqliteDatabase(new DatabaseSync(':memory:'));
    // @ts-expect-error of another kind
    await expect(new TransactionClient().enqueue(database, 'email.send', [])).rejects.toThrow(
      'tx: expected a transaction',
    );
    const transaction = sqliteTransaction(new DatabaseSync(':memory:'));
    // @ts-expect-error of another kind
    expect(() => new OutboxRelay('http://127.0.0.1:1', { database: transaction })).toThrow(
      'database: expected a database',
    );
  });
});

describe.skipIf(postgres === null)('adapters on PostgreSQL', () => {
  let store: Store;
  beforeAll(async () => {
    store = await openStore();
  });
  afterAll(() => store[Symbol.asyncDispose]());

  const users = async (email: string) =>
    (await store.pool.query(`SELECT 1 FROM "${store.schema}".users WHERE email = $1`, [email])).rowCount;

  test.each(Object.entries(adapters))(
    '%s: the job is there if and only if the transaction commits',
    async (name, inTransaction) => {
      const { client, jobs } = store;
      const email = `${name.replaceAll(' ', '.')}@example.org`;
      const args = ["it's", '"q"', '\\', '$1 ? :a ::b', '\u0000é😀', { big: 1e21, 'a?b': [null] }] as const;
      let committed = '';
      await inTransaction(store, async (tx, addUser) => {
        await addUser(email);
        const job = await jobs.enqueue(tx, 'email.send', [...args], { queue: 'mail', meta: { from: name } });
        expect(job).toMatchObject({ type: 'email.send', queue: 'mail', outcome: 'staged' });
        committed = job.id;
        await expect(client.getJob(committed)).rejects.toThrow(JobNotFoundError);
      });
      expect(await client.getJob(committed)).toMatchObject({
        id: committed,
        state: 'available',
        queue: 'mail',
        args,
        meta: { from: name },
      });
      expect(await users(email)).toBe(1);

      let undone = '';
      const broken = inTransaction(store, async (tx, addUser) => {
        await addUser(`not.${email}`);
        undone = (await jobs.enqueue(tx, 'email.send', ['never'])).id;
        throw new Error('the user changed their mind');
      });
      await expect(broken).rejects.toThrow('the user changed their mind');
      expect(await users(`not.${email}`)).toBe(0);
      await expect(client.getJob(undone)).rejects.toThrow(JobNotFoundError);
    },
  );
});
