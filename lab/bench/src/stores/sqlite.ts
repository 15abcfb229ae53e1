import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FreshStore, Size } from './fresh-store.ts';

/**
 * `sqlite:` takes a file in the system's folder for temporary files: the file that `sqlite:` means to the server is
 * never synchronised to disk, so its figures would be those of no durability at all.
 */
export async function freshFile(storage: string): Promise<FreshStore> {
  const path = storage.slice('sqlite:'.length);
  if (path === '') {
    const folder = await mkdtemp(join(tmpdir(), 'ojs-bench-'));
    return storeOf(join(folder, 'jobs.db'), () => rm(folder, { recursive: true, force: true }));
  }
  const file = resolve(path);
  if (existsSync(file)) throw new Error(`${file} is there already; the benchmark makes and removes its own file`);
  return storeOf(file, async () => {
    await Promise.all(['', '-wal', '-shm'].map((suffix) => rm(`${file}${suffix}`, { force: true })));
  });
}

function storeOf(file: string, remove: () => Promise<void>): FreshStore {
  return {
    storage: `sqlite:${file}`,
    settings: '',
    pid: null,
    async sizes(): Promise<readonly Size[]> {
      return [
        { what: 'file bytes', value: bytesOf(file), flat: true },
        { what: 'WAL bytes', value: bytesOf(`${file}-wal`), flat: false },
      ];
    },
    details: async () => [],
    connections: async () => null,
    [Symbol.asyncDispose]: remove,
  };
}

function bytesOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
