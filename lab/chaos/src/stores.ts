import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Hop } from '../../../packages/sdk/test/support/hop.ts';
import type { Instance } from '../../../packages/server/test/support/instance.ts';
import { findPgbouncer, startPgbouncer } from '../../../packages/server/test/support/pgbouncer.ts';
import { findPostgres, startPostgres } from '../../../packages/server/test/support/postgres.ts';
import { findRedis, startRedis } from '../../../packages/server/test/support/redis.ts';

/** The store of a run, and the ways of its servers to it. */
export interface Store extends AsyncDisposable {
  /** Of each server, how it reaches the store. */
  readonly urls: readonly string[];
  /** Without anything in between. */
  readonly direct: string;
  /** The networks between servers and store; none for a file. */
  readonly hops: readonly Hop[];
  /** The processes that can be killed, by name. */
  readonly processes: Readonly<Record<string, Instance>>;
  /** Leaves no space for anything new, until it is called with `false`; null where the machine cannot do that. */
  readonly fill: ((isFull: boolean) => void) | null;
}

export type StoreName = 'sqlite' | 'postgres' | 'redis';

/** @throws Error where the program of the store is not on this machine */
export async function startStore(name: StoreName, directory: string): Promise<Store> {
  if (name === 'sqlite') return sqliteStore(directory);
  await using ending = new AsyncDisposableStack();
  const instance = ending.use(await startServer(name));
  const pooler = name === 'postgres' ? await findPgbouncer() : null;
  const pool = pooler === null ? null : ending.use(await startPgbouncer(pooler, instance.url));
  // The first server goes through the pooler, where there is one.
  const hops = [ending.use(await Hop.to((pool ?? instance).port)), ending.use(await Hop.to(instance.port))];
  const kept = ending.move();
  return {
    urls: hops.map((hop, index) => throughHop(instance.url, hop, index === 0 && pool !== null)),
    direct: instance.url,
    hops,
    processes: { [name]: instance, ...(pool && { pooler: pool }) },
    fill: null,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function startServer(name: 'postgres' | 'redis'): Promise<Instance> {
  if ((name === 'postgres' ? findPostgres() : findRedis()) === null)
    throw new Error(`${name} is not on this machine; install it (Debian: apt-get install postgresql redis-server)`);
  return name === 'postgres' ? startPostgres({ fsync: true }) : startRedis({ appendonly: 'always' });
}

function throughHop(url: string, hop: Hop, isPooled: boolean): string {
  const changed = new URL(url);
  changed.hostname = '127.0.0.1';
  changed.port = new URL(hop.url).port;
  if (isPooled) changed.searchParams.set('pgbouncer', 'true');
  return changed.href;
}

/** A file on a small disk of its own, where that may be mounted. */
function sqliteStore(directory: string): Store {
  const disk = join(directory, 'disk');
  mkdirSync(disk);
  const isMounted = mount(['-t', 'tmpfs', '-o', 'size=2g', 'tmpfs', disk]);
  const direct = `sqlite:${join(disk, 'jobs.db')}`;
  return {
    urls: [direct, direct],
    direct,
    hops: [],
    processes: {},
    fill: isMounted ? (isFull) => void mount(['-o', `remount,size=${isFull ? 4_096 : '2g'}`, disk]) : null,
    async [Symbol.asyncDispose]() {
      if (isMounted) execFileSync('umount', ['-l', disk]);
    },
  };
}

/** Only root may, unless a container keeps it from that. */
function mount(args: readonly string[]): boolean {
  try {
    execFileSync('mount', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
