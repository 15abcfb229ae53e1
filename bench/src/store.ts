import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { freshSchema } from './stores/postgres.ts';
import { freshNamespace } from './stores/redis.ts';
import { freshFile } from './stores/sqlite.ts';

export type StoreKind = 'memory' | 'sqlite' | 'postgres' | 'redis';

/** A size of a store, such as its keys; `flat` where a steady load must leave it as it is. */
export interface Size {
  readonly what: string;
  readonly value: number;
  readonly flat: boolean;
}

export interface FreshStore extends AsyncDisposable {
  /** As `--storage` of the server and `openEmbedded` take it. */
  readonly storage: string;
  /** The database and its settings that say what a commit is worth; '' where the store is no server. */
  readonly settings: string;
  /** The first process of a server on this machine; null where there is none. */
  readonly pid: number | null;
  sizes(): Promise<readonly Size[]>;
  /** Lines that tell where the size comes from; none where the store does not say. */
  details(): Promise<readonly string[]>;
  /**
   * Connections of the process that owns these local ports, as the store counts them; null where the store is no
   * server.
   */
  connections(ports: ReadonlySet<number>): Promise<number | null>;
}

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
