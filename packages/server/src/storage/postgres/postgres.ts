import type { Storage } from '../storage.ts';
import { Wakes } from '../wakes.ts';
import { backup } from './backup.ts';
import { Database } from './connection.ts';
import { crons } from './crons.ts';
import { documents } from './documents.ts';
import { events } from './events.ts';
import { inbox } from './inbox.ts';
import { jobs } from './jobs.ts';
import { layout, migrate } from './migrate.ts';
import { Notices } from './notices.ts';
import type { Pages } from './pages.ts';
import { queues } from './queues.ts';
import { integer } from './row.ts';
import { statistics } from './statistics.ts';
import { Sweeper } from './sweep.ts';
import type { Written } from './transaction.ts';
import { upkeep } from './upkeep.ts';
import { readPostgresUrl } from './url.ts';
import { workers } from './workers.ts';
import { workflows } from './workflows.ts';

export interface PostgresOptions {
  /** See {@link readPostgresUrl}. */
  readonly url: string;
  /** False writes no log of events; true by default. */
  readonly events?: boolean;
  /** How long a call may take before the server is asked over another connection whether it still answers, and how long that may take; 4000 ms by default. */
  readonly patienceMs?: number;
  /** How much of what others have changed of limits one call takes over; {@link usualPages} by default. */
  readonly pages?: Pages;
}

/** All but the store's own. */
const tables = [
  ...['jobs', 'queues', 'counts', 'minutes', 'events', 'requests', 'workers', 'leases'],
  ...['limits', 'limit_changes', 'lane_changes', 'starts', 'lanes', 'lane_keys', 'groups'],
  ...['workflows', 'workflow_counts', 'nodes', 'node_specs', 'crons', 'documents', 'inbox', 'inbox_completions'],
];

const now = 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

/**
 * A storage in one schema of a PostgreSQL database (tested: 13, 15, 18), shared by any number of processes.
 * @throws Error where the URL is none of PostgreSQL. Whether the server is there shows the first call.
 */
export function postgresStorage({ url, events: logs = true, ...more }: PostgresOptions): Storage {
  const wakes = new Wakes();
  const committed = (written: Written) => {
    notices.committed(written);
    sweeper.committed(written);
  };
  const database = new Database(readPostgresUrl(url), logs, committed, more);
  const notices = new Notices(database, wakes);
  const sweeper = new Sweeper(database);
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    wakes.close();
    await notices.close();
    await database.close();
  }

  return {
    traits: {
      name: 'postgres',
      parallel: 4,
      inProcess: false,
      maxBatch: 500,
      durability: database.address.pooled
        ? 'as the server’s synchronous_commit says; behind a pooler of transactions, so other processes are noticed by polling'
        : 'as the server’s synchronous_commit says: by default every commit is on disk before it is answered',
    },
    jobs: jobs(database),
    upkeep: upkeep(database, sweeper),
    registry: { ...queues(database), ...workers(database), ...statistics(database) },
    workflows: workflows(database),
    crons: crons(database),
    documents: documents(database),
    inbox: inbox(database),
    backup: backup(database),
    layout: () => layout(database),
    migrate: () => migrate(database),
    clock: async () => integer((await database.read(now))[0]?.[0]),
    async ping() {
      await database.read('SELECT 1');
    },
    seed: async () => integer((await database.read('SELECT seed FROM ojs.store'))[0]?.[0]),
    subscribe: (onWake) => notices.subscribe(onWake),
    events: (after, limit) => events(database, after, limit),
    record: (entries, now) => database.transact(now, async (tx) => tx.log.add(entries)),
    clear: () =>
      database.transact(0, (tx) =>
        tx.script(
          `${tables.map((table) => `DELETE FROM ojs.${table}`).join('; ')}; UPDATE ojs.store SET position = 0, last_start = 0`,
        ),
      ),
    [Symbol.asyncDispose]: () => {
      closing ??= close();
      return closing;
    },
  };
}
