import { memoryStorage } from './memory/memory.ts';
import { isRedisUrl, withoutPassword } from './redis/connection/address.ts';
import type { MemoryReport } from './redis/memory-report.ts';
import { sqliteStorage } from './sqlite/sqlite.ts';
import type { Storage } from './storage.ts';

export type { MemoryReport } from './redis/memory-report.ts';

/**
 * Opens the storage of a URL: `memory:`, `sqlite:PATH`, `postgres://…`, `redis://…`, or `sqlite:` and `sqlite::memory:`
 * for a private temporary file that is deleted when the storage is closed. The storage's `migrate` brings the layout up
 * to date. With `events: false` the storage keeps no event log; with `existing` it creates no file.
 * @throws Error if the URL names no storage, or its file cannot be opened.
 */
export async function openStorage(
  url: string,
  { events = true, existing = false }: { readonly events?: boolean; readonly existing?: boolean } = {},
): Promise<Storage> {
  if (url === 'memory:') return memoryStorage({ events });
  if (url === 'sqlite:' || url === 'sqlite::memory:') return sqliteStorage({ path: null, events });
  if (url.startsWith('sqlite:'))
    return sqliteStorage({ path: decodePath(url.slice('sqlite:'.length)), events, existing });
  // A driver is loaded only if a URL needs it.
  if (/^postgres(ql)?:\/\//.test(url)) return (await import('./postgres/postgres.ts')).postgresStorage({ url, events });
  if (isRedisUrl(url)) return (await import('./redis/redis.ts')).redisStorage({ url, events });
  const expected =
    "'memory:', 'sqlite:PATH', 'postgres://HOST/DATABASE', 'redis://HOST', or 'sqlite:' for a temporary file";
  throw new Error(`Unknown storage '${withoutPassword(url)}'; expected ${expected}.`);
}

/** `sqlite:./jobs.db`, `sqlite:/var/jobs.db` and the URL form `sqlite:///var/jobs.db` all name a path. */
function decodePath(rest: string): string {
  return rest.startsWith('//') ? rest.slice(2) : rest;
}

/**
 * The memory of a Redis store by kind of key; servers may run at the same time.
 * @throws Error if the URL names another storage; StoreUnavailable if the server cannot be reached.
 */
export async function storageReport(url: string): Promise<MemoryReport> {
  if (isRedisUrl(url)) return (await import('./redis/memory-report.ts')).redisMemory(url);
  throw new Error(`The memory report needs a Redis store, got '${withoutPassword(url)}'; expected a redis:// URL.`);
}
