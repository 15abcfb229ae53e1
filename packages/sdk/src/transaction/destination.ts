import { OJSValidationError } from '../errors.ts';
import type { WireRequest } from '../job/wire.ts';
import { known } from '../options/known.ts';
import { isOpen } from './open.ts';
import type { SqlTransaction, Statement } from './sql.ts';

/** A request with what its row needs to know of it. */
export interface PreparedRequest extends WireRequest {
  readonly type: string;
}

/** The table that a transaction appends to. */
export interface Destination {
  /** For messages. */
  readonly table: string;
  append(dialect: SqlTransaction['dialect'], requests: readonly PreparedRequest[]): Statement;
  /** Null where jobs are not in this database, so that no transaction of it can complete one. */
  readonly schema: string | null;
}

/**
 * The inbox of an OJS server whose store is this database: PostgreSQL, where `schema` is the one of the server's URL
 * (default `ojs`), or the SQLite file itself. A server takes the jobs in some milliseconds after the commit.
 * @throws {OJSValidationError} for a name that the server would not take either.
 */
export function inbox(options: { readonly schema?: string | undefined } = {}): Destination {
  known(options, { schema: true });
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
        const text = `INSERT INTO ojs_inbox (id, request) SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($1)`;
        return { text, values: [jobs] };
      }
      const text = `WITH put AS (INSERT INTO "${schema}".inbox (id, request)
          SELECT (job->>0)::uuid, job->>1 FROM json_array_elements($1::text::json) WITH ORDINALITY AS given (job, at) WHERE ${isOpen(4)}
          ORDER BY at RETURNING 1)
        ${hint} FROM put LIMIT 1`;
      const mark = crypto.randomUUID();
      return { text, values: [jobs, ...noticeOf(schema), mark], mark };
    },
  };
}

/** Told at the commit: a hint, so that nobody waits for the next look. */
export const hint = 'SELECT pg_notify($2::text, $3::text)::text AS told';

/** The channel and what is said there: a server that knows no inbox reads that nothing else has changed. */
export function noticeOf(schema: string): readonly [string, string] {
  return [`ojs_${schema}`.slice(0, 63), '{"from":null,"queues":[],"events":false,"inbox":true}'];
}
