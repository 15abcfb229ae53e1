import { isRedisUrl, withoutPassword } from './redis/connection/address.ts';
import type { MemoryReport } from './redis/memory-report.ts';

export type { MemoryReport } from './redis/memory-report.ts';

/**
 * What takes how much memory in a Redis store, by kind of key, while servers go on.
 * @throws Error where the URL names another storage; StoreUnavailable where the server cannot be reached.
 */
export async function storageReport(url: string): Promise<MemoryReport> {
  if (isRedisUrl(url)) return (await import('./redis/memory-report.ts')).redisMemory(url);
  throw new Error(
    `the report tells what the memory of a Redis store holds, and '${withoutPassword(url)}' is none; expected a redis:// URL.`,
  );
}
