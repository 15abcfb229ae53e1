import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Certificate } from './certificate.ts';
import { findProgram, freePort, type Instance, startInstance } from './instance.ts';
import { serverUrl } from './server-url.ts';

export interface RedisOptions {
  /**
   * When what was written is on disk: `always` before it is answered, `everysec` within a second, `no` never (the
   * default).
   */
  readonly appendonly?: 'always' | 'everysec' | 'no';
  /** Bytes, or a text such as `100mb`; by default no limit. Beyond it writes are refused. */
  readonly maxmemory?: number | string;
  /** The server's binary; by default `redis-server` of the PATH, else `valkey-server`. */
  readonly binary?: string;
  /** Speaks TLS with this certificate, and nothing else. */
  readonly tls?: Certificate;
  /** Where it writes; by default a directory that goes with it. */
  readonly data?: string;
}

/** The Redis that this test run shares; null where there is none. Starts it at the first call. */
export function redisUrl(): Promise<string | null> {
  return serverUrl('redis');
}

/** A Redis of the test's own. Throws where the binary is missing. */
export async function startRedis(options: RedisOptions = {}): Promise<Instance> {
  return startNode(options, []);
}

export interface RedisCluster extends AsyncDisposable {
  /** Names all nodes. */
  readonly url: string;
  readonly nodes: readonly Instance[];
  /** The replica of each node, in the order of the nodes. */
  readonly replicas: readonly Instance[];
}

/** Three nodes of one cluster, each with a third of the slots, and without a replica unless `replicas` is true. */
export async function startRedisCluster({
  replicas = false,
  ...options
}: RedisOptions & { readonly replicas?: boolean } = {}): Promise<RedisCluster> {
  await using started = new AsyncDisposableStack();
  const cluster = [
    '--cluster-enabled',
    'yes',
    '--cluster-node-timeout',
    '2000',
    ...(options.tls ? ['--tls-cluster', 'yes'] : []),
  ];
  // By default the nodes talk on their port and 10,000, which may be no port.
  const buses = await Promise.all(Array.from({ length: replicas ? 6 : 3 }, () => freePort()));
  const startOne = (bus: number) => startNode(options, [...cluster, '--cluster-port', String(bus)]);
  const nodes = await Promise.all(buses.map(async (bus) => started.use(await startOne(bus))));
  const clients = nodes.map(({ port }) =>
    started.adopt(new Redis(port, '127.0.0.1', trusting(options.tls)), (client) => client.disconnect()),
  );
  const [first] = nodes;
  const third = Math.ceil(16_384 / 3);
  for (const [index, client] of clients.entries()) {
    if (index < 3) await client.cluster('ADDSLOTSRANGE', index * third, Math.min((index + 1) * third, 16_384) - 1);
    if (first && index > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', first.port, buses[0] ?? 0);
  }
  const ready = async () => {
    const infos = await Promise.all(clients.map((client) => client.cluster('INFO')));
    return infos.every(
      (info) => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}`),
    );
  };
  const until = performance.now() + 100_000;
  while (!(await ready())) {
    if (performance.now() > until) throw new Error('The three nodes did not become a cluster within 100 s.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const [index, client] of clients.slice(3).entries()) {
    const id = await clients[index]?.call('CLUSTER', 'MYID');
    await client.call('CLUSTER', 'REPLICATE', String(id));
    while (!(await client.info('replication')).includes('master_link_status:up')) {
      if (performance.now() > until) throw new Error('A replica was not ready within 100 s.');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  for (const client of clients) client.disconnect();
  const kept = started.move();
  const url = `redis${options.tls ? 's' : ''}+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  return { url, nodes: nodes.slice(0, 3), replicas: nodes.slice(3), [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

export interface RedisPair extends AsyncDisposable {
  /** Names the sentinel and the master as it knows it. */
  readonly url: string;
  readonly master: Instance;
  readonly replica: Instance;
}

/**
 * A master with a replica that has all of it, and one sentinel that promotes the replica when the master was silent for
 * five seconds.
 */
export async function startRedisPair(options: RedisOptions = {}): Promise<RedisPair> {
  await using started = new AsyncDisposableStack();
  const master = started.use(await startNode(options, []));
  const replica = started.use(await startNode(options, ['--replicaof', '127.0.0.1', String(master.port)]));
  const { tls } = options;
  const rules = [
    `monitor ojs 127.0.0.1 ${master.port} 1`,
    'down-after-milliseconds ojs 5000',
    'failover-timeout ojs 5000',
  ];
  const sentinel = started.use(
    await startInstance({
      name: 'sentinel',
      prepare: () => rules.map((rule) => `echo sentinel ${rule} >>sentinel.conf`).join('; '),
      command: (directory, port) => [
        ...[options.binary ?? findRedis() ?? '', join(directory, 'sentinel.conf'), '--sentinel'],
        ...[...listening(port, tls), '--bind', '127.0.0.1', '--dir', directory],
      ],
      stop: 'TERM',
      url: (port) => `redis${tls ? 's' : ''}://127.0.0.1:${port}`,
      ping: (url) => pingRedis(url, tls),
    }),
  );
  const [watcher, copy] = [sentinel, replica].map(({ port }) =>
    started.adopt(new Redis(port, '127.0.0.1', trusting(tls)), (client) => client.disconnect()),
  );
  const ready = async () => {
    const known = await watcher?.call('SENTINEL', 'REPLICAS', 'ojs');
    return (
      Array.isArray(known) && known.length === 1 && (await copy?.info('replication'))?.includes('master_link_status:up')
    );
  };
  const until = performance.now() + 100_000;
  while (!(await ready())) {
    if (performance.now() > until) throw new Error('The replica and the sentinel were not ready within 100 s.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const kept = started.move();
  return {
    url: `redis${tls ? 's' : ''}+sentinel://127.0.0.1:${sentinel.port}/ojs`,
    master,
    replica,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The machine's Redis, else its Valkey, if it has one of them. */
export function findRedis(): string | null {
  for (const program of ['redis-server', 'valkey-server']) {
    const directory = findProgram(program);
    if (directory !== null) return join(directory, program);
  }
  return null;
}

/** The file that a Redis of the test's own appends to now; a rewrite begins a new one. */
export function appendOnlyFile({ directory }: Instance): string {
  const folder = join(directory, 'appendonlydir');
  const number = (name: string) => Number(/(\d+)\.incr\.aof$/.exec(name)?.[1] ?? 0);
  const [newest = ''] = readdirSync(folder).toSorted((a, b) => number(b) - number(a));
  return join(folder, newest);
}

/** Removes the keys of every namespace whose name begins with `prefix`. */
export async function clearRedis(url: string, prefix: string): Promise<void> {
  const client = new Redis(url);
  try {
    for await (const keys of client.scanStream({ match: `{${prefix}*`, count: 1_000 })) {
      if (keys.length > 0) await client.unlink(...keys);
    }
  } finally {
    client.disconnect();
  }
}

export async function pingRedis(url: string, tls?: Certificate): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 5_000,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    ...trusting(tls),
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}

async function startNode(
  { appendonly = 'no', maxmemory = 0, binary, tls, data }: RedisOptions,
  more: readonly string[],
): Promise<Instance> {
  const server = binary ?? findRedis();
  if (server === null) throw new Error('There is no redis-server and no valkey-server on this machine; install Redis.');
  const log = appendonly === 'no' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', appendonly];
  return startInstance({
    name: 'redis',
    command: (directory, port) => [
      server,
      ...[...listening(port, tls), '--bind', '127.0.0.1', '--dir', data ?? directory, '--save', '', ...log],
      ...['--maxmemory', String(maxmemory), '--maxmemory-policy', 'noeviction', ...more],
    ],
    stop: 'TERM',
    url: (port) => `redis${tls ? 's' : ''}://127.0.0.1:${port}`,
    ping: (url) => pingRedis(url, tls),
  });
}

function listening(port: number, tls: Certificate | undefined): readonly string[] {
  if (tls === undefined) return ['--port', String(port)];
  const files = ['--tls-cert-file', tls.certFile, '--tls-key-file', tls.keyFile, '--tls-ca-cert-file', tls.certFile];
  return ['--port', '0', '--tls-port', String(port), ...files, '--tls-auth-clients', 'no', '--tls-replication', 'yes'];
}

function trusting(tls: Certificate | undefined): { readonly tls?: { readonly ca: string } } {
  return tls === undefined ? {} : { tls: { ca: readFileSync(tls.certFile, 'utf8') } };
}
