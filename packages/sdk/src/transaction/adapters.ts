import { OJSValidationError } from '../errors.ts';
import { rowsOf, type SqlDatabase, type SqlTransaction } from './sql.ts';

/**
 * The members of a `Client` or a `PoolClient` of `pg` that the SDK uses. `totalCount` marks a `Pool`, which has no
 * transaction.
 */
export interface PgClient {
  query(text: string, values: unknown[]): Promise<{ rows: unknown[] }>;
  readonly totalCount?: never;
}

/**
 * `pg`: pass the client on which BEGIN was run.
 * @throws {OJSValidationError} for a pool, which may use another connection for every statement.
 */
export function pgTransaction(client: PgClient): SqlTransaction {
  refuseRoot(
    typeof field(client, 'totalCount') === 'number',
    'client',
    'a client on which BEGIN was run',
    'a Pool',
    'pgDatabase',
  );
  return pg(client);
}

/** `pg`, for a relay: pass a pool. */
export function pgDatabase(pool: Pick<PgClient, 'query'>): SqlDatabase {
  return database(pg(pool));
}

function pg(client: Pick<PgClient, 'query'>): SqlTransaction {
  return { dialect: 'postgres', query: async (text, values) => rowsOf(await client.query(text, [...values])) };
}

/** The members of `postgres` that the SDK uses. */
export interface PostgresSql {
  unsafe(text: string, values: (string | number | null)[]): PromiseLike<unknown>;
}

/**
 * `postgres` (Postgres.js): pass the `sql` that `sql.begin` or `sql.savepoint` gives to its callback, or the one of
 * `sql.reserve` after BEGIN.
 * @throws {OJSValidationError} for the root `sql`, which may use another connection for every statement.
 */
export function postgresTransaction(
  sql: (PostgresSql & { readonly begin?: never }) | (PostgresSql & { release(): unknown }),
): SqlTransaction {
  const isRoot = typeof field(sql, 'begin') === 'function';
  refuseRoot(isRoot, 'sql', 'what sql.begin() gives to its callback', 'the sql of all connections', 'postgresDatabase');
  return postgres(sql);
}

/** `postgres` (Postgres.js), for a relay: pass the root `sql`. */
export function postgresDatabase(sql: PostgresSql): SqlDatabase {
  return database(postgres(sql));
}

function postgres(sql: PostgresSql): SqlTransaction {
  return { dialect: 'postgres', query: async (text, values) => rowsOf(await sql.unsafe(text, [...values])) };
}

/** The members of `Kysely` and its `Transaction` that the SDK uses. */
export interface KyselyExecutor {
  readonly isTransaction: boolean;
  executeQuery(query: {
    readonly sql: string;
    readonly parameters: readonly unknown[];
    readonly query: {
      readonly kind: 'RawNode';
      readonly sqlFragments: readonly string[];
      readonly parameters: readonly never[];
    };
    readonly queryId: { readonly queryId: string };
  }): Promise<{ rows: unknown[] }>;
}

/**
 * Kysely: pass what `db.transaction().execute` gives to its callback.
 * @throws {OJSValidationError} for `db` itself.
 */
export function kyselyTransaction(trx: KyselyExecutor & { readonly isTransaction: true }): SqlTransaction {
  refuseRoot(
    !trx.isTransaction,
    'trx',
    'what db.transaction().execute() gives to its callback',
    'db itself',
    'kyselyDatabase',
  );
  return kysely(trx);
}

/** Kysely, for a relay: pass `db` itself. */
export function kyselyDatabase(db: KyselyExecutor): SqlDatabase {
  return database(kysely(db));
}

function kysely(executor: KyselyExecutor): SqlTransaction {
  return {
    dialect: 'postgres',
    // The same object as Kysely's CompiledQuery.raw makes.
    query: async (text, values) =>
      rowsOf(
        await executor.executeQuery({
          sql: text,
          parameters: [...values],
          query: { kind: 'RawNode', sqlFragments: [text], parameters: [] },
          queryId: { queryId: `ojs-${++queries}` },
        }),
      ),
  };
}
let queries = 0;

/** The members of Drizzle's `sql` that the SDK uses. */
export interface DrizzleSql<Q> {
  raw(text: string): Q;
  param(value: unknown): unknown;
  join(chunks: Q[]): Q;
  (strings: TemplateStringsArray, ...values: unknown[]): Q;
}

/** The members of Drizzle's `db` and its transactions that the SDK uses. */
export interface DrizzleExecutor<Q> {
  execute(query: Q): PromiseLike<unknown>;
}

/**
 * Drizzle: pass what `db.transaction` gives to its callback, and the `sql` of `drizzle-orm`.
 * @throws {OJSValidationError} for `db` itself.
 */
export function drizzleTransaction<Q>(
  tx: DrizzleExecutor<Q> & { rollback(): unknown },
  sql: DrizzleSql<Q>,
): SqlTransaction {
  const isRoot = typeof field(tx, 'rollback') !== 'function';
  refuseRoot(isRoot, 'tx', 'what db.transaction() gives to its callback', 'db itself', 'drizzleDatabase');
  return drizzle(tx, sql);
}

/** Drizzle, for a relay: pass `db` itself, and the `sql` of `drizzle-orm`. */
export function drizzleDatabase<Q>(db: DrizzleExecutor<Q>, sql: DrizzleSql<Q>): SqlDatabase {
  return database(drizzle(db, sql));
}

function drizzle<Q>(executor: DrizzleExecutor<Q>, sql: DrizzleSql<Q>): SqlTransaction {
  return {
    dialect: 'postgres',
    async query(text, values) {
      const pieces = text
        .split(/\$(\d+)/)
        .map((piece, index) => (index % 2 === 0 ? sql.raw(piece) : sql`${values[Number(piece) - 1]}`));
      return rowsOf(await executor.execute(sql.join(pieces)));
    },
  };
}

/** The members of Prisma's client that the SDK uses. */
export interface PrismaClient {
  $queryRawUnsafe(text: string, ...values: unknown[]): PromiseLike<unknown>;
}

/**
 * Prisma: pass what an interactive `prisma.$transaction` gives to its callback.
 * @throws {OJSValidationError} for `prisma` itself.
 */
export function prismaTransaction(tx: PrismaClient & { readonly $connect?: never }): SqlTransaction {
  const isRoot = typeof field(tx, '$connect') === 'function';
  refuseRoot(isRoot, 'tx', 'what prisma.$transaction() gives to its callback', 'prisma itself', 'prismaDatabase');
  return prisma(tx);
}

/** Prisma, for a relay: pass `prisma` itself. */
export function prismaDatabase(client: PrismaClient): SqlDatabase {
  return database(prisma(client));
}

function prisma(client: PrismaClient): SqlTransaction {
  return { dialect: 'postgres', query: async (text, values) => rowsOf(await client.$queryRawUnsafe(text, ...values)) };
}

/** The members of Knex that the SDK uses. */
export interface KnexExecutor {
  raw(text: string, bindings: (string | number | null)[]): PromiseLike<unknown>;
}

/**
 * Knex: pass what `knex.transaction` gives to its callback.
 * @throws {OJSValidationError} for `knex` itself.
 */
export function knexTransaction(trx: KnexExecutor & { isCompleted(): boolean }): SqlTransaction {
  refuseRoot(
    field(trx, 'isTransaction') !== true,
    'trx',
    'what knex.transaction() gives to its callback',
    'knex itself',
    'knexDatabase',
  );
  return knex(trx);
}

/** Knex, for a relay: pass `knex` itself. */
export function knexDatabase(root: KnexExecutor): SqlDatabase {
  return database(knex(root));
}

function knex(executor: KnexExecutor): SqlTransaction {
  return {
    dialect: 'postgres',
    async query(text, values) {
      // Knex placeholders have no numbers.
      const used: (string | number | null)[] = [];
      const sql = text.replace(/\$(\d+)/g, (_, number: string) => {
        used.push(values[Number(number) - 1] ?? null);
        return '?';
      });
      return rowsOf(await executor.raw(sql, used));
    },
  };
}

function database({ dialect, query }: SqlTransaction): SqlDatabase {
  return { dialect, query, isDatabase: true };
}

/** A check for plain JavaScript and for casts: in TypeScript the types refuse the wrong object. */
function refuseRoot(isRoot: boolean, path: string, expected: string, given: string, ofDatabases: string): void {
  if (!isRoot) return;
  throw OJSValidationError.of(
    path,
    `expected ${expected}, got ${given}: the job would be written outside of the transaction. ` +
      `For a relay there is ${ofDatabases}()`,
  );
}

/** Reads a member that the interface here does not declare. */
function field(owner: object, name: string): unknown {
  return Reflect.get(owner, name);
}
