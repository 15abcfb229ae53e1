import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { integer, text } from '../cells.ts';
import { changedLayout } from '../diagnosis.ts';
import type { Storage } from '../storage.ts';
import { Wakes } from '../wakes.ts';
import { backup } from './backup/backup.ts';
import { diagnose } from './diagnosis.ts';
import { ChangePoller } from './disk/change-poller.ts';
import { Checkpoints } from './disk/checkpoints.ts';
import { Connection, type Synchronous } from './disk/connection.ts';
import { checkFile } from './disk/file-check.ts';
import { GroupCommit } from './disk/group-commit.ts';
import { WalSync } from './disk/wal-sync.ts';
import { eventsAfter, eventsBefore } from './event-log.ts';
import { inbox } from './inbox.ts';
import { jobs } from './jobs.ts';
import { isOwnLayout, layout, migrate } from './migrate.ts';
import { queues } from './queues.ts';
import { records } from './records.ts';
import { upkeep } from './upkeep/upkeep.ts';
import { workers } from './workers.ts';
import { workflows } from './workflows/workflows.ts';

export interface SqliteOptions {
  /**
   * The database file; a missing one is created. Null takes a temporary file, which is deleted when the storage is
   * closed.
   */
  readonly path: string | null;
  /** Default FULL: a commit survives a loss of power. A temporary file is never synchronised. */
  readonly synchronous?: Synchronous;
  /** How long a call waits for a file that another process has locked, in milliseconds. Default 5,000. */
  readonly patienceMs?: number;
  /**
   * Most pages (of 8,192 bytes) that the file may have; then writes are refused as on a full disk. No limit by default.
   */
  readonly maxPages?: number;
  /** True refuses a missing file; false, the default, creates it. */
  readonly existing?: boolean;
  /** False writes no event log. Default true. */
  readonly events?: boolean;
}

const durability: Readonly<Record<Synchronous, string>> = {
  FULL: 'every commit is on disk before it is answered (WAL, as with synchronous=FULL)',
  NORMAL: 'commits survive a crash of the process; the last ones may be lost with the power (WAL, synchronous=NORMAL)',
  OFF: 'commits survive a crash of the process only (WAL, synchronous=OFF)',
};

/** A check reads about 1 GB a second from memory, and as fast as the disk gives otherwise. */
const checkMs = 120_000;

const probe = {
  insert: `INSERT OR REPLACE INTO ojs_records (kind, key, version, created_at, updated_at, body)
    VALUES ('probe', '', 1, 0, 0, hex(zeroblob(8192)))`,
  remove: `DELETE FROM ojs_records WHERE kind = 'probe'`,
};

/** Emptied by `clear`: all but ojs_store, which keeps the seed and the key of the leases. */
const tables = [
  ...['jobs', 'segments', 'queues', 'minutes', 'events', 'requests', 'workers', 'leases'],
  ...['limits', 'starts', 'limit_groups', 'limit_group_keys', 'rate_timers'],
  ...['workflows', 'workflow_counts', 'nodes', 'node_specs', 'records', 'inbox', 'inbox_completions'],
];

/**
 * A storage in one SQLite file, shared safely by several processes of one machine.
 * @throws Error if the file cannot be opened or is no database.
 */
export function sqliteStorage(options: SqliteOptions): Storage {
  const { path, patienceMs = 5000, events: logs = true, existing = false } = options;
  if (existing && path !== null && !existsSync(path))
    throw new Error(
      `There is no database at ${resolve(path)}. Check the path, or create it with: ojs serve --storage sqlite:${path}`,
    );
  const directory = path === null ? mkdtempSync(join(tmpdir(), 'ojs-')) : null;
  const synchronous = directory === null ? (options.synchronous ?? 'FULL') : 'OFF';
  // With FULL, WalSync synchronises the log outside of SQLite.
  const inCommit = synchronous === 'FULL' ? 'NORMAL' : synchronous;
  const sql = new Connection(path ?? join(directory ?? '', 'jobs.db'), inCommit, options.maxPages);
  const checkpoints = new Checkpoints(sql, inCommit);
  const walSync = synchronous === 'FULL' ? new WalSync(sql) : null;
  const wakes = new Wakes();
  const poller = new ChangePoller(sql, wakes);
  const store = new GroupCommit(sql, patienceMs, logs, walSync, ({ woken, log }) => {
    for (const queue of woken) wakes.wake(queue);
    if (log.grown) wakes.logged();
    checkpoints.committed();
  });
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    poller.close();
    wakes.close();
    await store.close();
    await checkpoints.close();
    sql.checkpoint();
    sql.close();
    if (directory !== null) rmSync(directory, { recursive: true, force: true });
  }

  return {
    traits: {
      name: 'sqlite',
      parallel: 3,
      mergedAtOnce: 1,
      inProcess: true,
      // At about 10 µs a job a batch blocks the event loop for 5 ms at most.
      maxBatch: 500,
      retentionShare: 1 / 3,
      durability:
        directory === null
          ? durability[synchronous]
          : 'none: the file is temporary and goes when the storage is closed',
    },
    jobs: jobs(sql, store),
    upkeep: upkeep(sql, store),
    registry: { ...queues(sql, store), ...workers(sql, store) },
    workflows: workflows(sql, store),
    records: records(sql, store),
    inbox: inbox(sql, store),
    backup: backup(sql, synchronous, patienceMs),
    layout: () => store.read(() => layout(sql)),
    async migrate() {
      const migrated = await migrate(sql, patienceMs);
      await walSync?.committed();
      return migrated;
    },
    async clock() {
      return Date.now();
    },
    diagnose: async () =>
      directory === null
        ? [
            ...diagnose(sql.file, synchronous),
            ...((await store.read(() => isOwnLayout(sql))) ? [] : [changedLayout(sql.file, 'file')]),
          ]
        : [],
    ping: () =>
      store.read(() => {
        sql.value('SELECT 1');
      }),
    async probe() {
      // Two commits: pages that one transaction takes and frees are never written.
      await store.write((tx) => tx.sql.run(probe.insert));
      await store.write((tx) => tx.sql.run(probe.remove));
    },
    // A temporary file is never kept.
    ...(directory === null && {
      async verify(signal) {
        const { problems, whole } = await checkFile(sql.file, signal, checkMs);
        return { whole, problems: problems.map((problem) => `${sql.file} is damaged: ${problem}`) };
      },
    }),
    seed: () => store.read(() => integer(sql.value('SELECT seed FROM ojs_store'))),
    leaseKey: () => store.read(() => text(sql.value('SELECT lease_key FROM ojs_store'))),
    async subscribe(onWake) {
      return poller.subscribe(onWake);
    },
    events: (after, limit, kinds) => store.read(() => eventsAfter(sql, after, limit, kinds)),
    eventsBefore: (before, limit, kinds) => store.read(() => eventsBefore(sql, before, limit, kinds)),
    record: (events, now) =>
      store.write((tx) => {
        tx.log.add(events);
        tx.end(now);
      }),
    clear: () =>
      store.write((tx) => {
        tx.forget();
        for (const table of tables) tx.sql.run(`DELETE FROM ojs_${table}`);
        tx.sql.run('UPDATE ojs_store SET ready_queue = 0, place = 0, position = 0, last_start = 0');
      }),
    [Symbol.asyncDispose]: () => {
      closing ??= close();
      return closing;
    },
  };
}
