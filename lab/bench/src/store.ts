import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { FreshStore } from './stores/fresh-store.ts';
import { freshSchema } from './stores/postgres.ts';
import { freshNamespace } from './stores/redis.ts';
import { freshFile } from './stores/sqlite.ts';

export type StoreKind = 'memory' | 'sqlite' | 'postgres' | 'redis';

/** Null for a URL that names no storage. */
export function kindOf(storage: string): StoreKind | null {
  if (/^postgres(ql)?:\/\//.test(storage)) return 'postgres';
  if (/^rediss?:\/\//.test(storage)) return 'redis';
  if (storage.startsWith('sqlite:')) return 'sqlite';
  return storage.startsWith('memory:') ? 'memory' : null;
}

/**
 * An empty store for one run, removed afterwards: a file, a schema or a namespace of its own.
 * @throws Error where what the URL names is there already, since it may be somebody's, or cannot be reached.
 */
export async function freshStore(storage: string): Promise<FreshStore> {
  switch (kindOf(storage)) {
    case 'postgres':
      return freshSchema(storage);
    case 'redis':
      return freshNamespace(storage);
    case 'sqlite':
      return freshFile(storage);
    default:
      return {
        storage,
        settings: '',
        pid: null,
        sizes: async () => [],
        details: async () => [],
        connections: async () => null,
        async [Symbol.asyncDispose]() {},
      };
  }
}

/** Linux's number for a file system in memory; a sync to it costs nothing. */
const tmpfs = 0x01021994;

/** A warning where the files of the runs are on no disk; null where all is well. */
export function memoryWarning(storage: string): string | null {
  if (kindOf(storage) !== 'sqlite') return null;
  const path = storage.slice('sqlite:'.length);
  const folder = path === '' ? tmpdir() : dirname(resolve(path));
  return statfsSync(folder).type === tmpfs ? `WARNING: ${folder} is in memory; a sync costs nothing there.` : null;
}
