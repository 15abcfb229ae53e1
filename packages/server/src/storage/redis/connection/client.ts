import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Cluster, Redis } from 'ioredis';
import type { Address } from './address.ts';

export type Client = Redis | Cluster;

export function connect(address: Address, timeoutMs: number): Client {
  const { kind, hosts, username, password, sentinelUsername, sentinelPassword, sentinelTls, tls, db, master } = address;
  const common = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    // A call that was in flight when the connection broke has an unknown outcome: its caller decides whether to repeat
    // it.
    autoResendUnfulfilledCommands: false,
    // With 0 such a call fails at once, with null only by its timeout.
    maxRetriesPerRequest: 0,
    // `Connection` lets a call wait for the connection, for a bounded time.
    enableOfflineQueue: false,
    retryStrategy: backoff,
    // By default the client waits for as many seconds as a loading server guesses, one at least and ten at most.
    maxLoadingRetryTime: 50,
    // After a failover this may be a replica: a new connection finds the master.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    commandTimeout: timeoutMs,
    connectTimeout: timeoutMs,
  };
  if (kind === 'cluster') {
    return new Cluster([...hosts], {
      redisOptions: common,
      clusterRetryStrategy: backoff,
      enableOfflineQueue: false,
      // Above 0 the client would send a script again after its connection broke, though the script may have run.
      retryDelayOnFailover: 0,
      // Certificates are issued for names, so the client must not resolve the name to an address.
      dnsLookup: (name, found) => found(null, name),
    });
  }
  if (kind === 'sentinel') {
    return new Redis({
      ...common,
      db,
      name: master,
      sentinels: [...hosts],
      sentinelRetryStrategy: backoff,
      sentinelCommandTimeout: timeoutMs,
      ...(sentinelUsername !== undefined && { sentinelUsername }),
      ...(sentinelPassword !== undefined && { sentinelPassword }),
      ...(tls && { enableTLSForSentinelMode: true }),
      ...(sentinelTls && { sentinelTLS: {} }),
    });
  }
  const [first] = hosts;
  return new Redis({ ...common, db, host: first?.host ?? '127.0.0.1', port: first?.port ?? 6379 });
}

/** The connections to servers that may write. */
export function mastersOf(client: Client): readonly Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

/**
 * Reports whether a call would be sent at once. A broken stream is not ready, though the client's status says so a
 * little later.
 */
export function isReady(client: Client): boolean {
  return client.status === 'ready' && (client instanceof Cluster || client.stream.writable);
}

/**
 * Gives up the connections, so that the client makes new ones: no event reports a dead network, and one that comes
 * back would still deliver what was sent.
 */
export function drop(client: Client): void {
  for (const { stream } of mastersOf(client)) giveUp(stream);
}

/**
 * Closes for good. ioredis 6.0 listens to the first error of a stream only. While TLS is negotiated, the server answers
 * the end with an alert, which may be the second one, and an error without a listener ends the process.
 */
export function disconnect(client: Client): void {
  for (const node of client instanceof Cluster ? client.nodes() : [client]) node.stream?.on('error', () => {});
  client.disconnect();
}

/** Unlike an end, a reset discards what the kernel has not sent. */
function giveUp(stream: Socket | undefined): void {
  if (stream === undefined) return;
  if (stream.connecting || stream.destroyed || stream instanceof TLSSocket) stream.destroy();
  else stream.resetAndDestroy();
}

/**
 * Has a server rewrite its append-only file if it has not yet done so since it started. A crash may leave half of a
 * script's writes at the end of that file. Redis 8.0 does not load them, but it keeps them in the file, and after one
 * more crash it runs them together with the script behind them.
 */
export async function renewAppendOnlyFile(node: Redis): Promise<void> {
  const persistence = await node.info('persistence');
  if (/^aof_enabled:1\r/m.test(persistence) && /^aof_rewrites:0\r/m.test(persistence)) await node.bgrewriteaof();
}

/** 50 ms at first, a fifth of a second at most, with a random part, so that many servers do not come back at once. */
export function backoff(times: number): number {
  return Math.min(200, 50 * 2 ** Math.min(times - 1, 10)) * (0.5 + Math.random() / 2);
}
