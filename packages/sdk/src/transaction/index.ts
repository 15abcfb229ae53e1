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
export { type Destination, inbox } from './destination.ts';
export type { Row, SqlTransaction, SqlValue } from './sql.ts';
