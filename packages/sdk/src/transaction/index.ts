export {
  type DrizzleExecutor,
  type DrizzleSql,
  drizzleDatabase,
  drizzleTransaction,
  type KnexExecutor,
  type KyselyExecutor,
  knexDatabase,
  knexTransaction,
  kyselyDatabase,
  kyselyTransaction,
  type PgClient,
  type PostgresSql,
  type PrismaClient,
  pgDatabase,
  pgTransaction,
  postgresDatabase,
  postgresTransaction,
  prismaDatabase,
  prismaTransaction,
} from './adapters.ts';
export { type StagedJob, TransactionClient, type TransactionClientOptions } from './client.ts';
export { type Destination, inbox, type PreparedRequest } from './destination.ts';
export { createOutbox, type OutboxOptions, outbox, outboxLayout } from './outbox.ts';
export { OutboxRelay, type OutboxRelayOptions } from './relay.ts';
export type { Row, SqlDatabase, SqlTransaction, SqlValue } from './sql.ts';
export {
  type SqliteDatabase,
  type SqliteJobs,
  type SqliteTransactionOptions,
  sqliteDatabase,
  sqliteTransaction,
  withTransaction,
} from './sqlite.ts';
export { StepRecordedError } from './step.ts';
