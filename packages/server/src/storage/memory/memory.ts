import { newKey } from '@ojs-ts/core';
import type { Storage } from '../storage.ts';
import { Wakes } from '../wakes.ts';
import { backup } from './backup.ts';
import { crons } from './crons.ts';
import { auditLog, documents } from './documents.ts';
import { jobs } from './jobs.ts';
import { registry } from './registry.ts';
import { Tables } from './tables.ts';
import { upkeep } from './upkeep.ts';
import { workflows } from './workflows.ts';

export interface MemoryOptions {
  /** False writes no event log. Default true. */
  readonly events?: boolean;
}

/**
 * A store in the memory of this process. Its code takes the plainest way to each answer: tests compare the other
 * storages with it.
 */
export function memoryStorage({ events: logged = true }: MemoryOptions = {}): Storage {
  let own = { seed: Math.floor(Math.random() * 0x10000), leaseKey: newKey() };
  const wakes = new Wakes();
  let tables: Tables | null = new Tables(wakes, logged);
  const open = () => {
    if (!tables) throw new Error('The memory storage is closed.');
    return tables;
  };
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
    jobs: jobs(open),
    upkeep: upkeep(open),
    registry: registry(open),
    workflows: workflows(open),
    crons: crons(open),
    documents: documents(open),
    audit: auditLog(open),
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
    async events(after, limit, kinds) {
      return open().log.after(after, limit, kinds);
    },
    async eventsBefore(before, limit, kinds) {
      return open().log.before(before, limit, kinds);
    },
    async record(events, now) {
      open().change(now, (change) => change.logAll(events));
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
