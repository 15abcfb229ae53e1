import { newKey } from '@ojs-ts/core/job';
import { memoryStore, Tables } from '@ojs-ts/core/memory';
import type { Promised, Storage } from '../storage.ts';
import { Wakes } from '../wakes.ts';
import { backup } from './backup.ts';

export interface MemoryOptions {
  /** False writes no event log. Default true. */
  readonly events?: boolean;
}

/** A store in the memory of this process: the tables of core, as a storage. */
export function memoryStorage({ events: logged = true }: MemoryOptions = {}): Storage {
  let own = { seed: Math.floor(Math.random() * 0x10000), leaseKey: newKey() };
  const wakes = new Wakes();
  let tables: Tables | null = new Tables(wakes, logged);
  const open = () => {
    if (!tables) throw new Error('The memory storage is closed.');
    return tables;
  };
  const { log, ...parts } = memoryStore(open);
  return {
    traits: {
      name: 'memory',
      parallel: 1,
      mergedAtOnce: 1,
      inProcess: true,
      maxBatch: 1000,
      retentionShare: 1 / 3,
      durability: 'none: everything is lost when the process ends',
    },
    jobs: promised(parts.jobs),
    upkeep: promised(parts.upkeep),
    registry: promised(parts.registry),
    workflows: promised(parts.workflows),
    records: promised(parts.records),
    inbox: null,
    backup: backup(
      () => ({ tables: open(), own }),
      (restored, itsOwn) => {
        open();
        tables = restored;
        own = itsOwn;
      },
      () => new Tables(wakes, logged),
    ),
    ...promised(log),
    async layout() {
      open();
      return { from: 0, to: 0, steps: [] };
    },
    async migrate() {
      open();
      return { from: 0, to: 0 };
    },
    async clock() {
      open();
      return Date.now();
    },
    async ping() {
      open();
    },
    async probe() {
      open();
    },
    async diagnose() {
      open();
      return [];
    },
    async seed() {
      open();
      return own.seed;
    },
    async leaseKey() {
      open();
      return own.leaseKey;
    },
    async subscribe(onWake) {
      open();
      return wakes.subscribe(onWake);
    },
    async clear() {
      open();
      tables = new Tables(wakes, logged);
    },
    async [Symbol.asyncDispose]() {
      tables = null;
      wakes.close();
    },
  };
}

/** Makes methods that answer at once answer with promises. An error that a method throws becomes a rejection. */
export function promised<T extends object>(methods: T): Promised<T>;
export function promised(methods: object): object {
  return Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [name, async (...args: unknown[]) => method(...args)]),
  );
}
