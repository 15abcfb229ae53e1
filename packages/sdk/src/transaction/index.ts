export {
  type DrizzleSql,
  drizzleTransaction,
  type KnexExecutor,
  type KyselyExecutor,
  knexTransaction,
  kyselyTransaction,
  type PgClient,
  type PostgresSql,
  type PrismaClient,
  pgTransaction,
  postgresTransaction,
  prismaTransaction,
} from './adapters.ts';
export { type StagedJob, TransactionClient, type TransactionClientOptions } from './client.ts';
export { type Destination, inbox, type PreparedRequest } from './destination.ts';
export { createOutbox, type OutboxOptions, outbox, outboxLayout } from './outbox.ts';
export { OutboxRelay, type OutboxRelayOptions } from './relay.ts';
export type { Row, SqlTransaction, SqlValue } from './sql.ts';
export { type SqliteDatabase, type SqliteJobs, type SqliteTransactionOptions, sqliteTransaction, withTransaction } from './sqlite.ts';
