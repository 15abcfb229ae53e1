import { isRedisUrl, withoutPassword } from './redis/connection/address.ts';
import type { MemoryReport } from './redis/memory-report.ts';

export type { MemoryReport } from './redis/memory-report.ts';

/**
 * The memory of a Redis store by kind of key; servers may run meanwhile.
 * @throws Error if the URL names another storage; StoreUnavailable if the server cannot be reached.
 */
export async function storageReport(url: string): Promise<MemoryReport> {
  if (isRedisUrl(url)) return (await import('./redis/memory-report.ts')).redisMemory(url);
  throw new Error(`The memory report needs a Redis store, got '${withoutPassword(url)}'; expected a redis:// URL.`);
}
