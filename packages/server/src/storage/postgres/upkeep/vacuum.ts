import { integer, text } from '../../cells.ts';
import type { Database } from '../connection/database.ts';
import type { CommitSummary } from '../connection/transaction.ts';

/** Rows that were taken before the tables are swept: a claim reads those of limits in 0.1 ms then. */
const sweepAfter = 5_000;
const taken = ['limit_changes', 'lane_changes', 'inbox', 'inbox_completions'];
/** Upkeep looks at all tables at most so often. */
const lookEveryMs = 4_000;
/** What is dead is a tenth of what lives, or as much as a look later is there anyway. A large table takes long, and a minute's share of it is small. */
const worth = 'greatest(5000, n_live_tup / 10)';
const dead = `SELECT relname, n_dead_tup, ${worth} FROM pg_stat_user_tables
  WHERE schemaname = $1 AND n_dead_tup > ${worth} AND n_live_tup < 500000 ORDER BY relname`;

/**
 * Vacuums where autovacuum, which looks once a minute, is too late. Tables from which rows are taken as fast as others append them: every limited claim takes
 * all changes, every look at the inbox begins with the oldest; they read what is dead there, too, and 50,000 dead rows cost a claim 12 ms. Small tables of
 * which a minute's load writes many times what they keep: at 500 jobs/s and 20,000 kept, three of four rows were dead. Behind a pooler, or where the tables
 * are another role's, it is left to autovacuum.
 */
export class Vacuum {
  readonly #database: Database;
  #taken = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Dead rows that a vacuum could not take, by table: somebody's snapshot, such as a backup's, sees them still. A vacuum more would read them all in vain. */
  #left: ReadonlyMap<string, number> = new Map();
  #sweeping = false;

  constructor(database: Database) {
    this.#database = database;
  }

  committed({ taken: more }: CommitSummary): void {
    this.#taken += more;
    if (this.#taken < sweepAfter || this.#sweeping || this.#database.address.pooled) return;
    this.#taken = 0;
    void this.#sweep(() => this.#vacuum(taken));
  }

  /** For whoever does the upkeep: one server at a time. Never rejects. @param now in milliseconds, of any clock that only goes forward. */
  async look(now: number = performance.now()): Promise<void> {
    if (now < this.#lookedAt + lookEveryMs || this.#sweeping || this.#database.address.pooled) return;
    this.#lookedAt = now;
    await this.#sweep(() => this.#vacuumDead());
  }

  async #vacuumDead(): Promise<void> {
    const { schema } = this.#database.address;
    const found = await this.#database.read(dead, [schema]);
    const left = new Map(
      found.map(([name, count]) => [text(name), Math.min(integer(count), this.#left.get(text(name)) ?? 0)]),
    );
    this.#left = left;
    const due = found
      .filter(([name, count, bound]) => integer(count) - (left.get(text(name)) ?? 0) > integer(bound))
      .map(([name]) => text(name));
    if (due.length === 0) return;
    await this.#vacuum(due);
    for (const [name, count] of await this.#database.read(dead, [schema]))
      if (due.includes(text(name))) left.set(text(name), integer(count));
  }

  /** What autovacuum has in hand is left to it. */
  async #vacuum(tables: readonly string[]): Promise<void> {
    await this.#database.read(`VACUUM (SKIP_LOCKED) ${tables.map((name) => `ojs.${name}`).join(', ')}`);
  }

  async #sweep(work: () => Promise<void>): Promise<void> {
    this.#sweeping = true;
    try {
      await work();
    } catch {
      // The next one does it, or autovacuum.
    }
    this.#sweeping = false;
  }
}
