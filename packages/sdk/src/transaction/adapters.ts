import { rowsOf, type SqlTransaction } from './sql.ts';

/** What is used of a client of `pg`, be it `Client`, `PoolClient` or, for a relay, `Pool`. */
export interface PgClient {
  query(text: string, values: unknown[]): Promise<{ rows: unknown[] }>;
}

/** `pg`: the client on which BEGIN was run. A pool is no transaction: it takes another connection for every statement. */
export function pgTransaction(client: PgClient): SqlTransaction {
  return { dialect: 'postgres', query: async (text, values) => rowsOf(await client.query(text, [...values])) };
}

/** What is used of `postgres`. */
export interface PostgresSql {
  unsafe(text: string, values: (string | number | null)[]): PromiseLike<unknown>;
}

/** `postgres` (Postgres.js): what `sql.begin` or `sql.savepoint` gives to its callback. */
export function postgresTransaction(sql: PostgresSql): SqlTransaction {
  return { dialect: 'postgres', query: async (text, values) => rowsOf(await sql.unsafe(text, [...values])) };
}

/** What is used of Kysely's `Transaction`, or, for a relay, of `Kysely`. */
export interface KyselyExecutor {
  executeQuery(query: {
    readonly sql: string;
    readonly parameters: readonly unknown[];
    readonly query: { readonly kind: 'RawNode'; readonly sqlFragments: readonly string[]; readonly parameters: readonly never[] };
    readonly queryId: { readonly queryId: string };
  }): Promise<{ rows: unknown[] }>;
}

/** Kysely: what `db.transaction().execute` gives to its callback. */
export function kyselyTransaction(trx: KyselyExecutor): SqlTransaction {
  return {
    dialect: 'postgres',
    // What Kysely's CompiledQuery.raw makes.
    query: async (text, values) =>
      rowsOf(
        await trx.executeQuery({
          sql: text,
          parameters: [...values],
          query: { kind: 'RawNode', sqlFragments: [text], parameters: [] },
          queryId: { queryId: `ojs-${++queries}` },
        }),
      ),
  };
}
let queries = 0;

/** What is used of Drizzle's `sql`. */
export interface DrizzleSql<Q> {
  raw(text: string): Q;
  param(value: unknown): unknown;
  join(chunks: Q[]): Q;
  (strings: TemplateStringsArray, ...values: unknown[]): Q;
}

/** Drizzle: what `db.transaction` gives to its callback, and the `sql` of `drizzle-orm`. */
export function drizzleTransaction<Q>(tx: { execute(query: Q): PromiseLike<unknown> }, sql: DrizzleSql<Q>): SqlTransaction {
  return {
    dialect: 'postgres',
    async query(text, values) {
      const pieces = text.split(/\$(\d+)/).map((piece, index) => (index % 2 === 0 ? sql.raw(piece) : sql`${values[Number(piece) - 1]}`));
      return rowsOf(await tx.execute(sql.join(pieces)));
    },
  };
}

/** What is used of Prisma's client and of that of an interactive transaction. */
export interface PrismaClient {
  $queryRawUnsafe(text: string, ...values: unknown[]): PromiseLike<unknown>;
}

/** Prisma: what an interactive `prisma.$transaction` gives to its callback. */
export function prismaTransaction(tx: PrismaClient): SqlTransaction {
  return { dialect: 'postgres', query: async (text, values) => rowsOf(await tx.$queryRawUnsafe(text, ...values)) };
}

/** What is used of Knex. */
export interface KnexExecutor {
  raw(text: string, bindings: (string | number | null)[]): PromiseLike<unknown>;
}

/** Knex: what `knex.transaction` gives to its callback. */
export function knexTransaction(trx: KnexExecutor): SqlTransaction {
  return {
    dialect: 'postgres',
    async query(text, values) {
      // Its placeholders have no numbers.
      const used: (string | number | null)[] = [];
      const asked = text.replace(/\$(\d+)/g, (_, number: string) => {
        used.push(values[Number(number) - 1] ?? null);
        return '?';
      });
      return rowsOf(await trx.raw(asked, used));
    },
  };
}
