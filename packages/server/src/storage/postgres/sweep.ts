import type { Database } from './connection.ts';
import { text } from './row.ts';
import type { Written } from './transaction.ts';

/** Rows that were taken before the tables are swept: a claim reads those of limits in 0.1 ms then. */
const sweepAfter = 5_000;
const taken = ['limit_changes', 'lane_changes', 'inbox', 'inbox_completions'];
/** Upkeep looks at all tables at most so often. */
const lookEveryMs = 4_000;
/** What is dead is a tenth of what lives, or as much as a look later is there anyway. A large table takes long, and a minute's share of it is small. */
const dead = `SELECT relname FROM pg_stat_user_tables
  WHERE schemaname = $1 AND n_dead_tup > greatest(5000, n_live_tup / 10) AND n_live_tup < 500000 ORDER BY relname`;

/**
 * Vacuums where autovacuum, which looks once a minute, is too late. Tables from which rows are taken as fast as others append them: every limited claim takes
 * all changes, every look at the inbox begins with the oldest; they read what is dead there, too, and 50,000 dead rows cost a claim 12 ms. Small tables of
 * which a minute's load writes many times what they keep: at 500 jobs/s and 20,000 kept, three of four rows were dead. Behind a pooler, or where the tables
 * are another role's, it is left to autovacuum.
 */
export class Sweeper {
  readonly #database: Database;
  #taken = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #sweeping = false;

  constructor(database: Database) {
    this.#database = database;
  }

  committed({ taken: more }: Written): void {
    this.#taken += more;
    if (this.#taken < sweepAfter || this.#sweeping || this.#database.address.pooled) return;
    this.#taken = 0;
    void this.#sweep(async () => taken);
  }

  /** For whoever does the upkeep: one server at a time. Nobody waits for it. */
  look(): void {
    const now = performance.now();
    if (now < this.#lookedAt + lookEveryMs || this.#sweeping || this.#database.address.pooled) return;
    this.#lookedAt = now;
    void this.#sweep(async () => (await this.#database.read(dead, [this.#database.address.schema])).map(([name]) => text(name)));
  }

  async #sweep(find: () => Promise<readonly string[]>): Promise<void> {
    this.#sweeping = true;
    try {
      const tables = await find();
      // What autovacuum has in hand is left to it.
      if (tables.length > 0) await this.#database.read(`VACUUM (SKIP_LOCKED) ${tables.map((name) => `ojs.${name}`).join(', ')}`);
    } catch {
      // The next one does it, or autovacuum.
    }
    this.#sweeping = false;
  }
}
