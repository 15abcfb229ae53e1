import { type QueueMap, readQueueMap } from './queue-map.ts';

/** The content of a URL about a Redis server, or about several. */
export interface Address {
  readonly kind: 'server' | 'cluster' | 'sentinel';
  readonly tls: boolean;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly username?: string;
  readonly password?: string;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  /** True if the sentinels speak TLS. */
  readonly sentinelTls: boolean;
  readonly db: number;
  /** Name of the master that the sentinels watch; '' elsewhere. */
  readonly master: string;
  /**
   * All keys begin with it in braces, so that they are in one slot of a cluster. If there are several namespaces, this
   * is the first.
   */
  readonly namespace: string;
  /** The namespace of each queue; null if the URL names one namespace for all. */
  readonly map: QueueMap | null;
}

const defaultNamespace = 'ojs';
const ports = { server: 6379, cluster: 6379, sentinel: 26379 } as const;
const form = /^redis(s?)(?:\+(cluster|sentinel))?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/;

const names: readonly string[] = ['namespace', 'namespaces'];
const sentinelNames: readonly string[] = ['db', 'sentinelUsername', 'sentinelPassword', 'sentinelTls'];

export function isRedisUrl(url: string): boolean {
  return /^rediss?(\+(cluster|sentinel))?:\/\//.test(url);
}

/**
 * Reads `redis://USER:PASSWORD@HOST:PORT/DB?namespace=NAME` and, of several hosts, `redis+cluster://H1:P,H2:P` and
 * `redis+sentinel://H1,H2/MASTER?db=DB`, where sentinels with a user of their own have
 * `&sentinelUsername=USER&sentinelPassword=PASSWORD`; `rediss` for TLS, of the sentinels too unless
 * `sentinelTls=false`. The namespace is `ojs` by default; `?namespaces=a:emails,images;b:*` names several and their
 * queues (see {@link readQueueMap}).
 * @throws Error that says what is wrong.
 */
export function readAddress(url: string): Address {
  checkUser(url);
  const match = form.exec(url);
  if (!match)
    throw new Error(
      `'${withoutPassword(url)}' is no URL of a Redis server; expected 'redis://HOST:PORT/DB?namespace=NAME'.`,
    );
  const [, tls, shape, user, hosts = '', path = '', query = ''] = match;
  const kind = shape === 'cluster' || shape === 'sentinel' ? shape : 'server';
  const options = new URLSearchParams(query);
  for (const name of options.keys()) {
    const allowed = kind === 'sentinel' ? [...names, ...sentinelNames] : names;
    if (!allowed.includes(name))
      throw new Error(`A Redis URL has no option '${name}'; expected one of ${allowed.join(', ')}.`);
  }
  const several = options.get('namespaces');
  if (several !== null && options.has('namespace'))
    throw new Error("A Redis URL has either 'namespace' or 'namespaces', not both.");
  const map = several === null ? null : readQueueMap(several);
  const namespace = map?.home ?? options.get('namespace') ?? defaultNamespace;
  if (!/^[\w.:-]{1,64}$/.test(namespace)) {
    throw new Error(
      `'${namespace}' is no namespace of a Redis store; expected up to 64 letters, digits, '_', '-', '.' or ':'.`,
    );
  }
  if (kind === 'sentinel' && path === '')
    throw new Error('A redis+sentinel URL names the master: redis+sentinel://HOST,HOST/MASTER.');
  return {
    kind,
    tls: tls === 's',
    hosts: hosts.split(',').map((host) => readHost(host, ports[kind])),
    ...readUser(user),
    ...readSentinelUser(options),
    sentinelTls: readSentinelTls(options.get('sentinelTls'), tls === 's'),
    db: readDatabase(kind === 'sentinel' ? (options.get('db') ?? '') : kind === 'server' ? path : ''),
    master: kind === 'sentinel' ? decoded(path, 'name of the master') : '',
    namespace,
    map,
  };
}

/** Host and database without secrets, for messages. */
export function nameOf({ kind, hosts, db, master, namespace, map }: Address): string {
  const list = hosts.map(({ host, port }) => `${host}:${port}`).join(',');
  const rest = kind === 'server' ? `/${db}` : kind === 'sentinel' ? `/${master}` : '';
  return `Redis ${list}${rest} (${map ? `namespaces ${map.namespaces.join(', ')}` : `namespace ${namespace}`})`;
}

function readHost(text: string, defaultPort: number): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new Error(`'${text}' is no host of a Redis server; expected HOST or HOST:PORT.`);
  return { host: host === '' ? '127.0.0.1' : host, port: port === undefined ? defaultPort : Number(port) };
}

/** A password with one of the separators would be read as a host or a path, and shown in a message. */
function checkUser(url: string): void {
  const at = url.lastIndexOf('@');
  const user = url.slice(url.indexOf('//') + 2, Math.max(0, at));
  if (at >= 0 && /[/?@]/.test(user)) {
    throw new Error(
      "A Redis URL has '/', '?' or '@' in the user or the password, or an '@' behind the hosts; " +
        'percent-encode the password (%2F, %3F, %40).',
    );
  }
}

function readUser(user: string | undefined): Pick<Address, 'username' | 'password'> {
  if (user === undefined || user === '') return {};
  const colon = user.indexOf(':');
  if (colon < 0) return { username: decoded(user, 'user') };
  const name = decoded(user.slice(0, colon), 'user');
  return { ...(name !== '' && { username: name }), password: decoded(user.slice(colon + 1), 'password') };
}

function readSentinelUser(options: URLSearchParams): Pick<Address, 'sentinelUsername' | 'sentinelPassword'> {
  const [username, password] = [options.get('sentinelUsername'), options.get('sentinelPassword')];
  return {
    ...(username !== null && { sentinelUsername: username }),
    ...(password !== null && { sentinelPassword: password }),
  };
}

function readSentinelTls(text: string | null, otherwise: boolean): boolean {
  if (text === null) return otherwise;
  if (text !== 'true' && text !== 'false') throw new Error(`sentinelTls=${text} is neither 'true' nor 'false'.`);
  return text === 'true';
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(
      `The ${what} of a Redis URL has a '%' that begins no percent-encoded character; percent-encode it (%25).`,
    );
  }
}

function readDatabase(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,5}$/.test(text)) throw new Error(`'${text}' is no Redis database; expected its number.`);
  return Number(text);
}

export function withoutPassword(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^@/]*?):[^@/]*@/i, '$1:***@')
    .replace(/([?&](?:sentinelP|p)assword=)[^&]*/g, '$1***');
}
