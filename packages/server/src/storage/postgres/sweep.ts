import type { Database } from './connection.ts';
import type { Written } from './transaction.ts';

/** Rows that were taken before the tables are swept: a claim reads those of limits in 0.1 ms then. */
const sweepAfter = 5_000;
const sweep = 'VACUUM ojs.limit_changes, ojs.lane_changes, ojs.inbox, ojs.inbox_completions';

/**
 * Clears the tables from which rows are taken as fast as others append them: every limited claim takes all changes, every look at the inbox begins with the
 * oldest. They read what is dead there, too, and autovacuum looks once a minute: 50,000 dead rows cost a claim 12 ms. Behind a pooler, or where the tables are
 * another role's, it is left to autovacuum.
 */
export class Sweeper {
  readonly #database: Database;
  #taken = 0;
  #sweeping = false;

  constructor(database: Database) {
    this.#database = database;
  }

  committed({ taken }: Written): void {
    this.#taken += taken;
    if (this.#taken < sweepAfter || this.#sweeping || this.#database.address.pooled) return;
    this.#taken = 0;
    this.#sweeping = true;
    void this.#sweep();
  }

  async #sweep(): Promise<void> {
    try {
      await this.#database.read(sweep);
    } catch {
      // The next one does it, or autovacuum.
    }
    this.#sweeping = false;
  }
}
