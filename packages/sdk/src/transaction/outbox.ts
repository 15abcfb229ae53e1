import type { NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import { checkNames } from '../options/check-names.ts';
import type { Destination } from './destination.ts';
import { isOpen } from './open.ts';
import type { SqlDatabase, SqlTransaction } from './sql.ts';

/** Options of an outbox. */
export interface OutboxOptions {
  /** The table, with or without a schema in front. Default: `ojs_outbox`. */
  readonly table?: string | undefined;
}

export const outboxNames: NamesOf<OutboxOptions> = { table: true };

/**
 * A table in your own database for jobs that go to a server elsewhere (ojs-framework-adapters §6.2). An {@link
 * OutboxRelay} sends them after the commit. The table keeps each request as text. JSONB, as in the specification's
 * example, refuses some strings and changes how numbers are written.
 * @throws {OJSValidationError} for a malformed table name.
 */
export function outbox(options: OutboxOptions = {}): Destination {
  checkNames(options, outboxNames);
  const table = tableOf(options);
  return {
    table,
    schema: null,
    append(dialect, requests) {
      const jobs = JSON.stringify(requests.map(({ id, type, queue, text }) => [id, type, queue, text]));
      const values = [jobs, String(Date.now())];
      if (dialect === 'sqlite') {
        const text = `INSERT INTO ${table} (job_id, job_type, queue, request, created_at)
          SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
            json_extract(value, '$[3]'), $2 FROM json_each($1)`;
        return { text, values };
      }
      const mark = crypto.randomUUID();
      const text = `WITH put AS (INSERT INTO ${table} (job_id, job_type, queue, request, created_at)
          SELECT job->>0, job->>1, job->>2, job->>3, $2::text::bigint
            FROM json_array_elements($1::text::json) WITH ORDINALITY AS given (job, at)
          WHERE ${isOpen(3)} ORDER BY at RETURNING 1)
        SELECT 1 AS put FROM put LIMIT 1`;
      return { text, values: [...values, mark], mark };
    },
  };
}

/**
 * Creates the table and the lease of its relay if they are missing.
 * @throws {OJSValidationError} for a malformed table name; the database's own error.
 */
export async function createOutbox(database: SqlDatabase | SqlTransaction, options: OutboxOptions = {}): Promise<void> {
  for (const statement of outboxLayout(database.dialect, options)) await database.query(statement, []);
}

/** The statements of {@link createOutbox}, for your own migrations. */
export function outboxLayout(dialect: SqlTransaction['dialect'], options: OutboxOptions = {}): readonly string[] {
  checkNames(options, outboxNames);
  const table = tableOf(options);
  const name = table.slice(table.indexOf('.') + 1);
  const key =
    dialect === 'sqlite' ? 'INTEGER PRIMARY KEY AUTOINCREMENT' : 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY';
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (
      id ${key},
      job_id text NOT NULL,
      job_type text NOT NULL,
      queue text NOT NULL DEFAULT 'default',
      request text NOT NULL,
      status text NOT NULL DEFAULT 'pending',
      created_at bigint NOT NULL,
      sent_at bigint,
      error text
    )`,
    `CREATE INDEX IF NOT EXISTS ${name}_pending ON ${table} (id, queue) WHERE status = 'pending'`,
    `CREATE INDEX IF NOT EXISTS ${name}_sent ON ${table} (sent_at) WHERE status = 'sent'`,
    `CREATE TABLE IF NOT EXISTS ${table}_relay (one integer PRIMARY KEY, holder text NOT NULL, until bigint NOT NULL)`,
  ];
}

export function tableOf({ table = 'ojs_outbox' }: OutboxOptions): string {
  if (/^([a-z_][a-z0-9_]*\.)?[a-z_][a-z0-9_]{0,49}$/.test(table)) return table;
  throw OJSValidationError.of(
    'table',
    'expected lower-case letters, digits and underscores, with a schema and a dot in front or not, ' +
      `got ${JSON.stringify(table)}`,
  );
}
