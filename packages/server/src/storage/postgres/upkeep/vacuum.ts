import { integer, text } from '../../cells.ts';
import type { Database } from '../connection/database.ts';
import type { CommitSummary } from '../connection/transaction.ts';

/** Deleted rows after which the tables are vacuumed: up to there a claim reads those of limits in 0.1 ms. */
const vacuumAfter = 5_000;
const taken = ['limit_changes', 'limit_group_changes', 'inbox', 'inbox_completions'];
/** PostgreSQL logs a warning for a vacuum of another owner's table, and an error for a rebuild. */
const owned = `pg_has_role(class.relowner, 'USAGE')`;
const ownedOf = `SELECT relname FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = relnamespace
  WHERE nspname = $1 AND relname = ANY ($2) AND ${owned}`;
/** Milliseconds between two looks at all tables. */
const everyMs = 4_000;
/**
 * A vacuum is worth it for a tenth of the live rows, or for 5,000, which the next look would find anyway. In a large
 * table it takes long, and dead rows of a minute are a small share.
 */
const worth = 'greatest(5000, n_live_tup / 10)';
const dead = `SELECT stat.relname, n_dead_tup, ${worth} FROM pg_stat_user_tables AS stat
    JOIN pg_class AS class ON class.oid = relid
  WHERE schemaname = $1 AND ${owned} AND n_dead_tup > ${worth} AND n_live_tup < 500000 ORDER BY stat.relname`;
/** An index is rebuilt at most once in so many milliseconds: under load it may need its pages again. */
const rebuildMs = 3_600_000;
/** Until a rebuild that found no lock is tried again: all calls on the table wait behind each try. */
const retryMs = 60_000;
/** Statistics may be lost in a crash; the class has the rows of the last vacuum. */
const rows = 'greatest(n_live_tup, class.reltuples)';
/**
 * Indexes with more than a megabyte and 200 bytes a live row. Only of tables that are small, in rows and on disk (64
 * MiB), and whose dead rows are gone: calls wait while an index is built, 20 to 70 ms for 50,000 rows.
 */
const bloated = `SELECT index.relname FROM pg_stat_user_tables AS stat JOIN pg_class AS class ON class.oid = relid
  JOIN pg_index ON indrelid = relid AND indisvalid JOIN pg_class AS index ON index.oid = indexrelid
  WHERE schemaname = $1 AND ${owned} AND n_dead_tup <= ${worth} AND ${rows} < 50000 AND class.relpages < 8192
    AND index.relpages > 128 + ${rows} / 40
  ORDER BY index.relname`;
/** While a rebuild waits for a reader of the index, all others wait behind it: at most so long for each lock. */
const lockTimeout = "SET LOCAL lock_timeout = '100ms'";

/**
 * Vacuums where autovacuum, which looks once a minute, is too late. First, tables whose rows are deleted as fast as
 * others append them: limited claims delete the deltas, imports the inbox, and both read the dead rows too; 50,000 of
 * them cost a claim 12 ms. Second, small tables with many times more writes in a minute than rows: at 500 jobs/s and
 * 20,000 kept jobs three of four rows were dead. Behind a pooler, or where another role owns the tables, autovacuum
 * does all of it.
 *
 * Also rebuilds indexes that have grown beside an old transaction, which autovacuum never does. A vacuum empties their
 * pages, and never gives them back: at 500 jobs/s, 3.8 MiB of indexes became 24.8 in 150 s, and stayed so.
 */
export class Vacuum {
  readonly #database: Database;
  #taken = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /**
   * By table, the dead rows that a vacuum could not remove because a snapshot, such as that of a backup, still sees
   * them. Another vacuum would read them in vain.
   */
  #left: ReadonlyMap<string, number> = new Map();
  #running = false;
  /** By index, when it may be rebuilt again. */
  readonly #rebuildAt = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  committed({ taken: more }: CommitSummary): void {
    this.#taken += more;
    if (this.#taken < vacuumAfter || this.#running || this.#database.address.pooled) return;
    this.#taken = 0;
    void this.#run(async () => {
      const found = await this.#database.query(ownedOf, [this.#database.address.schema, taken]);
      if (found.length > 0) await this.#vacuum(found.map(([name]) => text(name)));
    });
  }

  /**
   * Looks at all tables. Only the process that runs upkeep calls it. Never rejects.
   * @param now milliseconds of any monotonic clock.
   */
  async look(now: number = performance.now()): Promise<void> {
    if (now < this.#lookedAt + everyMs || this.#running || this.#database.address.pooled) return;
    this.#lookedAt = now;
    await this.#run(async () => {
      await this.#vacuumDead();
      await this.#rebuild(now);
    });
  }

  async #vacuumDead(): Promise<void> {
    const { schema } = this.#database.address;
    const found = await this.#database.query(dead, [schema]);
    const left = new Map(
      found.map(([name, count]) => [text(name), Math.min(integer(count), this.#left.get(text(name)) ?? 0)]),
    );
    this.#left = left;
    const due = found
      .filter(([name, count, bound]) => integer(count) - (left.get(text(name)) ?? 0) > integer(bound))
      .map(([name]) => text(name));
    if (due.length === 0) return;
    await this.#vacuum(due);
    for (const [name, count] of await this.#database.query(dead, [schema]))
      if (due.includes(text(name))) left.set(text(name), integer(count));
  }

  async #rebuild(now: number): Promise<void> {
    for (const [name] of await this.#database.query(bloated, [this.#database.address.schema])) {
      const index = text(name);
      if (now < (this.#rebuildAt.get(index) ?? now)) continue;
      this.#rebuildAt.set(index, now + retryMs);
      await this.#database.transact(0, async (tx) => {
        // One message with the commit: the locks do not wait for this process.
        tx.write(lockTimeout);
        tx.write(`REINDEX INDEX ojs."${index}"`);
      });
      this.#rebuildAt.set(index, now + rebuildMs);
    }
  }

  /** Skips tables that autovacuum is working on. */
  async #vacuum(tables: readonly string[]): Promise<void> {
    await this.#database.query(`VACUUM (SKIP_LOCKED) ${tables.map((name) => `ojs.${name}`).join(', ')}`);
  }

  async #run(work: () => Promise<void>): Promise<void> {
    this.#running = true;
    try {
      await work();
    } catch {
      // A later look does it, or autovacuum.
    }
    this.#running = false;
  }
}
