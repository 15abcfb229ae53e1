import type { PrismaPg } from '@prisma/adapter-pg';

/** The members of a generated client that the tests use. */
export class PrismaClient {
  constructor(options: { adapter: PrismaPg });
  $connect(): Promise<void>;
  $disconnect(): Promise<void>;
  $queryRawUnsafe(text: string, ...values: unknown[]): Promise<unknown>;
  $transaction<T>(work: (tx: Pick<PrismaClient, '$queryRawUnsafe'>) => Promise<T>): Promise<T>;
}
