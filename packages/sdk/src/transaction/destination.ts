import { OJSValidationError } from '../errors.ts';
import type { WireRequest } from '../job/wire.ts';
import { checkNames } from '../options/check-names.ts';
import { isOpen } from './open.ts';
import type { SqlTransaction, Statement } from './sql.ts';

/** A request, and the columns of its row. */
export interface PreparedRequest extends WireRequest {
  readonly type: string;
}

/** The table that a transaction appends to. */
export interface Destination {
  /** The table's name, for messages. */
  readonly table: string;
  append(dialect: SqlTransaction['dialect'], requests: readonly PreparedRequest[]): Statement;
  /** Null if the jobs are not in this database: then no transaction of it can complete a job. */
  readonly schema: string | null;
}

/**
 * The inbox of an OJS server whose store is this database. On PostgreSQL, `schema` is the one in the server's URL
 * (default `ojs`); with SQLite, the inbox is in the file itself. A server imports the jobs within milliseconds after
 * the commit.
 * @throws {OJSValidationError} for a schema name that the server would refuse.
 */
export function inbox(options: { readonly schema?: string | undefined } = {}): Destination {
  checkNames(options, { schema: true });
  const { schema = 'ojs' } = options;
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw OJSValidationError.of(
      'schema',
      `expected up to 63 lower-case letters, digits and underscores, got ${JSON.stringify(schema)}`,
    );
  }
  return {
    table: `"${schema}".inbox`,
    schema,
    append(dialect, requests) {
      const jobs = JSON.stringify(requests.map(({ id, text }) => [id, text]));
      if (dialect === 'sqlite') {
        const text = `INSERT INTO ojs_inbox (id, request)
          SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($1)`;
        return { text, values: [jobs] };
      }
      const text = `WITH put AS (INSERT INTO "${schema}".inbox (id, request)
          SELECT (job->>0)::uuid, job->>1 FROM json_array_elements($1::text::json) WITH ORDINALITY AS given (job, at)
            WHERE ${isOpen(4)}
          ORDER BY at RETURNING 1)
        ${hint} FROM put LIMIT 1`;
      const mark = crypto.randomUUID();
      return { text, values: [jobs, ...noticeOf(schema), mark], mark };
    },
  };
}

/** Notifies the server at the commit, so that it imports before its next poll. */
export const hint = 'SELECT pg_notify($2::text, $3::text)::text AS notified';

/** The channel and payload of the notice. A server without an inbox reads the payload as "nothing else has changed". */
export function noticeOf(schema: string): readonly [string, string] {
  return [`ojs_${schema}`.slice(0, 63), '{"from":null,"queues":[],"events":false,"inbox":true}'];
}
