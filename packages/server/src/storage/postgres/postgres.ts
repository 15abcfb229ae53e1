import { integer, text } from '../cells.ts';
import type { Storage } from '../storage.ts';
import { Wakes } from '../wakes.ts';
import { backup } from './backup/backup.ts';
import { Database } from './connection/database.ts';
import { layout, migrate } from './connection/migrate.ts';
import type { CommitSummary } from './connection/transaction.ts';
import { readPostgresUrl } from './connection/url.ts';
import { diagnose } from './diagnosis.ts';
import { eventsAfter, eventsBefore } from './events/events.ts';
import { Notifications } from './events/notifications.ts';
import { inbox } from './insert/inbox.ts';
import { jobs } from './jobs/jobs.ts';
import type { DeltaPages } from './limits/limit-deltas.ts';
import { limits } from './limits/limit-registry.ts';
import { queues } from './registry/queues.ts';
import { records } from './registry/records.ts';
import { statistics } from './registry/statistics.ts';
import { workers } from './registry/workers.ts';
import { LeftEdges } from './upkeep/left-edges.ts';
import { upkeep } from './upkeep/upkeep.ts';
import { Vacuum } from './upkeep/vacuum.ts';
import { workflows } from './workflows/workflows.ts';

export interface PostgresOptions {
  /** `postgres://…`, see {@link readPostgresUrl}. */
  readonly url: string;
  /** False writes no event log; true by default. */
  readonly events?: boolean;
  /**
   * Milliseconds of a call after which another connection probes whether the server still answers, and milliseconds
   * that the probe may take. Default 4,000.
   */
  readonly patienceMs?: number;
  /** How much of the limit deltas one call merges. Default `usualDeltaPages`. */
  readonly pages?: DeltaPages;
}

/** All tables but the store's own row. */
const tables = [
  ...['jobs', 'due', 'ready', 'active', 'ended', 'texts'],
  ...['queues', 'counts', 'minutes', 'events', 'requests', 'workers', 'leases'],
  ...['limits', 'limit_changes', 'limit_group_changes', 'starts', 'limit_groups', 'limit_group_keys', 'waitlists'],
  ...['workflows', 'workflow_counts', 'nodes', 'node_specs', 'records', 'inbox', 'inbox_completions'],
];

const now = 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

const probe = `INSERT INTO ojs.leases (name, holder, until) VALUES ('probe', repeat('x', 1000), 0)
  ON CONFLICT (name) DO UPDATE SET until = leases.until + 1`;

/**
 * A storage in one schema of a PostgreSQL database (tested: 13, 15, 18), shared by any number of processes.
 * @throws Error if the URL is not one of PostgreSQL. Only the first call shows whether the server is reachable.
 */
export function postgresStorage({ url, events: logs = true, ...more }: PostgresOptions): Storage {
  const wakes = new Wakes();
  const committed = (written: CommitSummary) => {
    notifications.committed(written);
    vacuum.committed(written);
  };
  const database = new Database(readPostgresUrl(url), logs, committed, more);
  const notifications = new Notifications(database, wakes);
  const vacuum = new Vacuum(database);
  const edges = new LeftEdges();
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    wakes.close();
    await notifications.close();
    await database.close();
  }

  return {
    traits: {
      name: 'postgres',
      parallel: 4,
      mergedAtOnce: 1,
      inProcess: false,
      maxBatch: 500,
      // Calls of others have connections of their own. With a third, a machine with other load deleted
      // 1,200 of the 4,000 jobs that ended each second.
      retentionShare: 4 / 5,
      durability: database.address.pooled
        ? 'as the server’s synchronous_commit says; ' +
          'behind a pooler of transactions, so other processes are noticed by polling'
        : 'as the server’s synchronous_commit says: by default every commit is on disk before it is answered',
    },
    jobs: jobs(database, edges),
    upkeep: upkeep(database, vacuum, edges),
    registry: { ...queues(database), ...limits(database), ...workers(database), ...statistics(database) },
    workflows: workflows(database),
    records: records(database),
    inbox: inbox(database),
    backup: backup(database),
    layout: () => layout(database),
    migrate: () => migrate(database),
    async clock() {
      database.lookAgain();
      return integer((await database.query(now))[0]?.[0]);
    },
    async ping() {
      await database.query('SELECT 1');
    },
    async probe() {
      await database.query(probe);
    },
    lastMove: () => database.lastMove,
    diagnose: () => diagnose(database),
    seed: async () => integer((await database.query('SELECT seed FROM ojs.store'))[0]?.[0]),
    leaseKey: async () => text((await database.query('SELECT lease_key FROM ojs.store'))[0]?.[0]),
    subscribe: (onWake) => notifications.subscribe(onWake),
    events: (after, limit, kinds) => eventsAfter(database, after, limit, kinds),
    eventsBefore: (before, limit, kinds) => eventsBefore(database, before, limit, kinds),
    record: (entries, now) => database.transact(now, async (tx) => tx.log.add(entries)),
    clear: () =>
      database.transact(0, (tx) =>
        tx.script(
          `${tables.map((table) => `DELETE FROM ojs.${table}`).join('; ')}; UPDATE ojs.store
            SET position = 0, last_start = 0`,
        ),
      ),
    [Symbol.asyncDispose]: () => {
      closing ??= close();
      return closing;
    },
  };
}
