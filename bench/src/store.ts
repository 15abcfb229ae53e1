import { existsSync, statfsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export interface FreshStore extends AsyncDisposable {
  /** As `--storage` of the server and `openEmbedded` take it. */
  readonly storage: string;
}

/**
 * An empty store for one run, removed afterwards. `sqlite:` takes a file in the system's folder for temporary files: the file that
 * `sqlite:` means to the server is never synchronised to disk, so its figures would be those of no durability at all.
 * @throws Error where the named file is there already: it may be somebody's.
 */
export async function freshStore(storage: string): Promise<FreshStore> {
  if (storage === 'memory:') return { storage, async [Symbol.asyncDispose]() {} };
  const path = storage.slice('sqlite:'.length);
  if (path === '') {
    const folder = await mkdtemp(join(tmpdir(), 'ojs-bench-'));
    return { storage: `sqlite:${join(folder, 'jobs.db')}`, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  }
  const file = resolve(path);
  if (existsSync(file)) throw new Error(`${file} is there already; the benchmark makes and removes its own file`);
  return {
    storage: `sqlite:${file}`,
    async [Symbol.asyncDispose]() {
      await Promise.all(['', '-wal', '-shm'].map((suffix) => rm(`${file}${suffix}`, { force: true })));
    },
  };
}

/** Linux's number for a file system in memory; a sync to it costs nothing. */
const tmpfs = 0x01021994;

/** Where the files of the runs are, and a warning when that is no disk. */
export function placeOf(storage: string): { readonly folder: string; readonly inMemory: boolean } {
  const path = storage.slice('sqlite:'.length);
  const folder = path === '' ? tmpdir() : dirname(resolve(path));
  return { folder, inMemory: statfsSync(folder).type === tmpfs };
}
