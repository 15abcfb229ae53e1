import { systemClock } from '@ojs-ts/core';
import type { Storage } from '../storage.ts';
import { Wakes } from '../wakes.ts';
import { jobs } from './jobs.ts';
import { registry } from './registry.ts';
import { Tables } from './tables.ts';
import { upkeep } from './upkeep.ts';

/** A store in this process's memory, and the executable specification of the other storages: it takes the plainest way to each answer. */
export function memoryStorage(): Storage {
  const clock = systemClock();
  const seed = Math.floor(Math.random() * 0x10000);
  const wakes = new Wakes();
  let tables: Tables | null = new Tables(wakes);
  const open = () => {
    if (!tables) throw new Error('The memory storage is closed.');
    return tables;
  };
  return {
    traits: { name: 'memory', parallel: 1, maxBatch: 1000, durability: 'none: everything is lost when the process ends' },
    jobs: jobs(open),
    upkeep: upkeep(open),
    registry: registry(open),
    async migrate() {
      open();
      return { from: 0, to: 0 };
    },
    async clock() {
      open();
      return clock.now();
    },
    async ping() {
      open();
    },
    async seed() {
      open();
      return seed;
    },
    async subscribe(onWake) {
      open();
      return wakes.subscribe(onWake);
    },
    async events(after, limit) {
      const { batches, oldest, newest } = open().log;
      const found = [];
      let count = 0;
      for (let at = firstAfter(batches, after); count < limit; at++) {
        const batch = batches[at];
        if (!batch) break;
        found.push(batch);
        count += batch.count;
      }
      return { batches: found, oldest, newest };
    },
    async clear() {
      open();
      tables = new Tables(wakes);
    },
    async [Symbol.asyncDispose]() {
      tables = null;
      wakes.close();
    },
  };
}

/** Where the first batch stands that holds an event after position `after`. */
function firstAfter(batches: readonly { readonly position: number; readonly count: number }[], after: number): number {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const batch = batches[middle];
    if (batch && batch.position + batch.count - 1 > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
