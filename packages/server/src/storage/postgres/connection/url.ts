/** The parts of a `postgres://` URL: our own parameters, and the rest for the driver. */
export interface PostgresAddress {
  /** The URL for the driver. */
  readonly connection: string;
  /** The name in messages: without password and parameters. */
  readonly name: string;
  /** The schema that holds every table. Default `ojs`. */
  readonly schema: string;
  /**
   * Whether a pooler gives each transaction a connection (`?pgbouncer=true`): no LISTEN, no prepared statements, no
   * session settings.
   */
  readonly pooled: boolean;
  /** Session settings of the URL; null without. */
  readonly options: string | null;
  /** Most connections at once. Default 10. */
  readonly connections: number;
}

/**
 * `postgres://USER:PASSWORD@HOST:PORT/DATABASE?schema=ojs&pgbouncer=true&connections=10&sslmode=require`.
 * @throws Error that names the wrong parameter.
 */
export function readPostgresUrl(text: string): PostgresAddress {
  const url = parse(text);
  const schema = url.searchParams.get('schema') ?? 'ojs';
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw new Error(
      `The schema '${schema}' is not valid; expected up to 63 lower-case letters, digits and underscores.`,
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
  // As libpq reads it: `require` encrypts, `verify-full` also checks the certificate.
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

/** Messages never show the URL: it may have a password. */
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
