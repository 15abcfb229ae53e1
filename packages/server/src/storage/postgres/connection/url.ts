import { didYouMean } from '@ojs-ts/core';

/** The parts of a `postgres://` URL: our own parameters, and the rest for the driver. */
export interface PostgresAddress {
  /** The URLs for the driver, one for each host. */
  readonly targets: readonly [string, ...string[]];
  /** The name in messages: without password and parameters. */
  readonly name: string;
  /** The schema that holds every table. Default `ojs`. */
  readonly schema: string;
  /**
   * True if a pooler gives each transaction a connection (`?pgbouncer=true`): no LISTEN, no session settings of our
   * own.
   */
  readonly pooled: boolean;
  /** Session settings of the URL; null without. */
  readonly options: string | null;
  /** Most connections at once. Default 10. */
  readonly connections: number;
}

/** Parameters that the driver does not see. */
const own: readonly string[] = [
  'schema',
  'pgbouncer',
  'connections',
  'options',
  'target_session_attrs',
  'channel_binding',
];
const known: readonly string[] = [
  ...own,
  ...[
    'sslmode',
    'sslrootcert',
    'sslcert',
    'sslkey',
    'sslnegotiation',
    'application_name',
    'host',
    'port',
    'user',
    'password',
  ],
];
/** A storage writes, so of several hosts it always looks for the one that takes writes. */
const sessions: readonly string[] = ['read-write', 'primary', 'any'];

/**
 * `postgres://USER:PASSWORD@HOST:PORT/DATABASE?schema=ojs&pgbouncer=true&connections=10&sslmode=require`, also with
 * several hosts: `postgres://H1:P1,H2:P2/DATABASE?target_session_attrs=read-write`.
 * @throws Error that names the wrong parameter.
 */
export function readPostgresUrl(text: string): PostgresAddress {
  const [url, ...others] = parse(text);
  const { searchParams: parameters, pathname } = url;
  for (const name of parameters.keys()) {
    if (known.includes(name)) continue;
    throw new Error(
      `A PostgreSQL URL has no parameter '${name}'.${didYouMean(name, known)} It has ${known.join(', ')}; ` +
        'other settings go into options, such as options=-c%20lock_timeout=5000.',
    );
  }
  const schema = parameters.get('schema') ?? 'ojs';
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw new Error(
      `The schema '${schema}' is not valid; expected up to 63 lower-case letters, digits and underscores.`,
    );
  }
  const connections = Number(parameters.get('connections') ?? 10);
  if (!Number.isInteger(connections) || connections < 1) {
    throw new Error(`connections=${parameters.get('connections')} is no number of connections; expected 1 or more.`);
  }
  const attributes = parameters.get('target_session_attrs') ?? 'any';
  if (!sessions.includes(attributes)) {
    throw new Error(
      `target_session_attrs=${attributes} leads to a server that takes no writes; expected ${sessions.join(', ')}.`,
    );
  }
  const pooled = parameters.get('pgbouncer') === 'true';
  const options = parameters.get('options');
  return {
    targets: [forDriver(url), ...others.map(forDriver)],
    name: `${[url, ...others].map(({ host }) => host).join(',')}${pathname} (schema ${schema})`,
    schema,
    pooled,
    options,
    connections,
  };
}

function forDriver(url: URL): string {
  for (const name of own) url.searchParams.delete(name);
  // As libpq reads it: `require` encrypts, `verify-full` also checks the certificate.
  if (url.searchParams.has('sslmode')) url.searchParams.set('uselibpqcompat', 'true');
  return url.toString();
}

/** Messages never show the URL: it may have a password. */
function parse(text: string): readonly [URL, ...URL[]] {
  const user = text.slice(text.indexOf('//') + 2, Math.max(0, text.split('?', 1).join('').lastIndexOf('@')));
  const [, before = '', hosts = '', after = ''] = /^([^/]*\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s.exec(text) ?? [];
  const isComplete = !hosts.includes(',') || hosts.split(',').every((host) => host !== '');
  const [first, ...others] = hosts.split(',').map((host) => URL.parse(`${before}${host}${after}`));
  if (isComplete && first && !/[/?#@]/.test(user)) {
    const rest = others.filter((url) => url !== null);
    if (rest.length === others.length) return [first, ...rest];
  }
  throw new Error(
    "This is no URL of a PostgreSQL database; expected 'postgres://USER:PASSWORD@HOST:PORT/DATABASE' with a " +
      "percent-encoded password, and commas between several hosts: 'HOST:PORT,HOST:PORT'.",
  );
}
