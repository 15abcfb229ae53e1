import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@ojs-ts/core';
import type { Storage } from '../storage.ts';
import { Wakes } from '../wakes.ts';
import { Connection, type Synchronous } from './connection.ts';
import { events } from './events.ts';
import { jobs } from './jobs.ts';
import { migrate } from './migrate.ts';
import { registry } from './registry.ts';
import { integer } from './row.ts';
import { upkeep } from './upkeep.ts';
import { Watch } from './watch.ts';
import { Writer } from './writer.ts';

export interface SqliteOptions {
  /** The database file; it is made where it is missing. Null takes a temporary file that goes when the storage is closed. */
  readonly path: string | null;
  /** Default FULL: a commit survives a loss of power. A temporary file is never synchronised. */
  readonly synchronous?: Synchronous;
  /** How long a call waits for a file that another process has locked, in milliseconds. Default 5,000. */
  readonly patienceMs?: number;
}

const durability: Readonly<Record<Synchronous, string>> = {
  FULL: 'every commit is on disk before it is answered (WAL, synchronous=FULL)',
  NORMAL: 'commits survive a crash of the process; the last ones may be lost with the power (WAL, synchronous=NORMAL)',
  OFF: 'commits survive a crash of the process only (WAL, synchronous=OFF)',
};

/**
 * A storage in one SQLite file, shared safely by several processes of one machine.
 * @throws Error where the file cannot be opened, or is no database.
 */
export function sqliteStorage(options: SqliteOptions): Storage {
  const { path, patienceMs = 5000 } = options;
  const directory = path === null ? mkdtempSync(join(tmpdir(), 'ojs-')) : null;
  const synchronous = directory === null ? (options.synchronous ?? 'FULL') : 'OFF';
  const sql = new Connection(path ?? join(directory ?? '', 'jobs.db'), synchronous);
  const clock = systemClock();
  const wakes = new Wakes();
  const watch = new Watch(sql, wakes);
  const writer = new Writer(sql, patienceMs, (woken) => {
    for (const queue of woken) wakes.wake(queue);
  });
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    watch.close();
    wakes.close();
    await writer.close();
    sql.checkpoint();
    sql.close();
    if (directory !== null) rmSync(directory, { recursive: true, force: true });
  }

  return {
    traits: {
      name: 'sqlite',
      parallel: 1,
      // At about 10 µs a job a batch keeps the event loop for 5 ms at most.
      maxBatch: 500,
      durability: directory === null ? durability[synchronous] : 'none: the file is temporary and goes when the storage is closed',
    },
    jobs: jobs(sql, writer),
    upkeep: upkeep(sql, writer),
    registry: registry(sql, writer),
    migrate: () => migrate(sql, patienceMs),
    async clock() {
      return clock.now();
    },
    ping: () =>
      writer.read(() => {
        sql.get('SELECT 1');
      }),
    seed: () => writer.read(() => integer(sql.get('SELECT seed FROM ojs_store')?.[0])),
    async subscribe(onWake) {
      return watch.subscribe(onWake);
    },
    events: (after, limit) => writer.read(() => events(sql, after, limit)),
    clear: () =>
      writer.write((tx) => {
        for (const table of ['jobs', 'queues', 'events', 'requests', 'workers', 'leases']) tx.sql.run(`DELETE FROM ojs_${table}`);
        tx.sql.run('UPDATE ojs_store SET place = 0, position = 0');
        tx.forget();
      }),
    [Symbol.asyncDispose]: () => {
      closing ??= close();
      return closing;
    },
  };
}
