import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { sqlState } from './errors.ts';
import { sessionSettings } from './settings.ts';
import { texts } from './sql.ts';

/** A pooler that keeps prepared statements gives them names of its own. */
const probe = `SELECT NOT EXISTS (SELECT FROM pg_prepared_statements WHERE name = $1),
  (SELECT count(*) FROM unnest($2::text[], $3::text[]) AS wanted (name, value)
    JOIN pg_settings ON pg_settings.name = wanted.name AND setting = value) = $4::integer`;
/** SQLSTATE invalid_sql_statement_name and duplicate_prepared_statement. */
const notKept: readonly (string | null)[] = ['26000', '42P05'];

/**
 * Knows what the sessions behind an address can do. Without a pooler each client has a session of its own, so the
 * statements that it prepares and the settings that it starts with stay. A pooler gives each transaction another
 * session; PgBouncer keeps prepared statements since 1.21, and settings are those of the role.
 */
export class Pooler {
  /** False if statements must be sent whole each time. */
  prepares: boolean;
  /** False if each transaction must bring the settings. */
  hasSettings: boolean;
  readonly #pooled: boolean;

  constructor(pooled: boolean) {
    this.#pooled = pooled;
    this.prepares = !pooled;
    this.hasSettings = !pooled;
  }

  /** Asks through a new connection. */
  async arrived(client: pg.ClientBase): Promise<void> {
    if (!this.#pooled) return;
    const name = `ojs_${randomUUID()}`;
    const names = Object.keys(sessionSettings);
    const values = [name, texts(names), texts(Object.values(sessionSettings)), names.length];
    await client.query('BEGIN');
    const { rows } = await client.query<unknown[]>({ name, text: probe, values, rowMode: 'array' });
    const [row = []] = rows;
    this.prepares = row[0] === true;
    this.hasSettings = row[1] === true;
    await client.query(this.prepares ? 'COMMIT' : `DEALLOCATE "${name}"; COMMIT`);
  }

  /** Notes that the pooler no longer keeps prepared statements; true if the call is to be repeated. */
  isForgetful(error: unknown): boolean {
    if (!this.#pooled || !notKept.includes(sqlState(error))) return false;
    this.prepares = false;
    return true;
  }
}
