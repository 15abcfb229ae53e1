/** What a `postgres://` URL says beside what the driver reads from it. */
export interface PostgresAddress {
  /** For the driver. */
  readonly connection: string;
  /** For messages: without password and parameters. */
  readonly name: string;
  /** The namespace: every table stands in this schema. Default `ojs`. */
  readonly schema: string;
  /** Connections go through a pooler that gives one to each transaction (`?pgbouncer=true`): no LISTEN, no prepared statements, no state of a session. */
  readonly pooled: boolean;
  /** The URL's own settings of a session; null without. */
  readonly options: string | null;
  /** Most connections at once. Default 10. */
  readonly connections: number;
}

/**
 * `postgres://USER:PASSWORD@HOST:PORT/DATABASE?schema=ojs&pgbouncer=true&connections=10&sslmode=require`.
 * @throws Error that says which parameter is wrong.
 */
export function readPostgresUrl(text: string): PostgresAddress {
  const url = parse(text);
  const schema = url.searchParams.get('schema') ?? 'ojs';
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw new Error(
      `The schema '${schema}' is no name for a namespace; expected up to 63 lower-case letters, digits and underscores.`,
    );
  }
  const connections = Number(url.searchParams.get('connections') ?? 10);
  if (!Number.isInteger(connections) || connections < 1) {
    throw new Error(
      `connections=${url.searchParams.get('connections')} is no number of connections; expected 1 or more.`,
    );
  }
  const pooled = url.searchParams.get('pgbouncer') === 'true';
  const options = url.searchParams.get('options');
  for (const own of ['schema', 'pgbouncer', 'connections', 'options']) url.searchParams.delete(own);
  // As libpq reads it: `require` encrypts, `verify-full` also looks at the certificate.
  if (url.searchParams.has('sslmode')) url.searchParams.set('uselibpqcompat', 'true');
  return {
    connection: url.toString(),
    name: `${url.host}${url.pathname} (schema ${schema})`,
    schema,
    pooled,
    options,
    connections,
  };
}

/** The URL itself is in no message: it may have a password. */
function parse(text: string): URL {
  const user = text.slice(text.indexOf('//') + 2, Math.max(0, text.split('?', 1).join('').lastIndexOf('@')));
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || /[/?#@]/.test(user)) {
    throw new Error(
      "This is no URL of a PostgreSQL database; expected 'postgres://USER:PASSWORD@HOST:PORT/DATABASE' with a percent-encoded password.",
    );
  }
  return url;
}
