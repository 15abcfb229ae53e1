import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '@ojs-ts/core';
import type { Storage } from '../storage.ts';
import { Wakes } from '../wakes.ts';
import { backup } from './backup.ts';
import { Checkpoints } from './checkpoints.ts';
import { Connection, type Synchronous } from './connection.ts';
import { crons } from './crons.ts';
import { Disk } from './disk.ts';
import { documents } from './documents.ts';
import { events } from './events.ts';
import { inbox } from './inbox.ts';
import { jobs } from './jobs.ts';
import { layout, migrate } from './migrate.ts';
import { queues } from './queues.ts';
import { integer } from './row.ts';
import { upkeep } from './upkeep.ts';
import { Watch } from './watch.ts';
import { workers } from './workers.ts';
import { workflows } from './workflows.ts';
import { Writer } from './writer.ts';

export interface SqliteOptions {
  /** The database file; it is made where it is missing. Null takes a temporary file that goes when the storage is closed. */
  readonly path: string | null;
  /** Default FULL: a commit survives a loss of power. A temporary file is never synchronised. */
  readonly synchronous?: Synchronous;
  /** How long a call waits for a file that another process has locked, in milliseconds. Default 5,000. */
  readonly patienceMs?: number;
  /** Most pages (of 8,192 bytes) that the file may have: beyond, writes are refused as on a full disk. By default no limit. */
  readonly maxPages?: number;
  /** True refuses a file that is not there; false, the default, makes it. */
  readonly existing?: boolean;
  /** False writes no log of events; true by default. */
  readonly events?: boolean;
}

const durability: Readonly<Record<Synchronous, string>> = {
  FULL: 'every commit is on disk before it is answered (WAL, as with synchronous=FULL)',
  NORMAL: 'commits survive a crash of the process; the last ones may be lost with the power (WAL, synchronous=NORMAL)',
  OFF: 'commits survive a crash of the process only (WAL, synchronous=OFF)',
};

/** All but the store's own. */
const tables = [
  ...['jobs', 'queues', 'minutes', 'events', 'requests', 'workers', 'leases'],
  ...['limits', 'starts', 'lanes', 'lane_keys', 'alarms'],
  ...['workflows', 'workflow_counts', 'nodes', 'node_specs', 'crons', 'documents', 'inbox', 'inbox_completions'],
];

/**
 * A storage in one SQLite file, shared safely by several processes of one machine.
 * @throws Error where the file cannot be opened, or is no database.
 */
export function sqliteStorage(options: SqliteOptions): Storage {
  const { path, patienceMs = 5000, events: logs = true, existing = false } = options;
  if (existing && path !== null && !existsSync(path)) throw new Error(`${resolve(path)} does not exist.`);
  const directory = path === null ? mkdtempSync(join(tmpdir(), 'ojs-')) : null;
  const synchronous = directory === null ? (options.synchronous ?? 'FULL') : 'OFF';
  const own = synchronous === 'FULL' ? 'NORMAL' : synchronous;
  const sql = new Connection(path ?? join(directory ?? '', 'jobs.db'), own, options.maxPages);
  const checkpoints = new Checkpoints(sql, own);
  const disk = synchronous === 'FULL' ? new Disk(sql) : null;
  const clock = systemClock();
  const wakes = new Wakes();
  const watch = new Watch(sql, wakes);
  const writer = new Writer(sql, patienceMs, logs, disk, ({ woken, log }) => {
    for (const queue of woken) wakes.wake(queue);
    if (log.grown) wakes.logged();
    checkpoints.committed();
  });
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    watch.close();
    wakes.close();
    await writer.close();
    await checkpoints.close();
    sql.checkpoint();
    sql.close();
    if (directory !== null) rmSync(directory, { recursive: true, force: true });
  }

  return {
    traits: {
      name: 'sqlite',
      parallel: 3,
      inProcess: true,
      // At about 10 µs a job a batch keeps the event loop for 5 ms at most.
      maxBatch: 500,
      durability:
        directory === null
          ? durability[synchronous]
          : 'none: the file is temporary and goes when the storage is closed',
    },
    jobs: jobs(sql, writer),
    upkeep: upkeep(sql, writer),
    registry: { ...queues(sql, writer), ...workers(sql, writer) },
    workflows: workflows(sql, writer),
    crons: crons(sql, writer),
    documents: documents(sql, writer),
    inbox: inbox(sql, writer),
    backup: backup(sql, synchronous, patienceMs),
    layout: () => writer.read(() => layout(sql)),
    async migrate() {
      const migrated = await migrate(sql, patienceMs);
      await disk?.committed();
      return migrated;
    },
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
    record: (events, now) =>
      writer.write((tx) => {
        tx.log.add(events);
        tx.end(now);
      }),
    clear: () =>
      writer.write((tx) => {
        tx.forget();
        for (const table of tables) tx.sql.run(`DELETE FROM ojs_${table}`);
        tx.sql.run('UPDATE ojs_store SET line = 0, place = 0, position = 0, last_start = 0');
      }),
    [Symbol.asyncDispose]: () => {
      closing ??= close();
      return closing;
    },
  };
}
