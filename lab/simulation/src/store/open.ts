import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStorage } from '../../../../packages/server/src/storage/memory/memory.ts';
import { openStorage } from '../../../../packages/server/src/storage/open.ts';
import { sqliteStorage } from '../../../../packages/server/src/storage/sqlite/sqlite.ts';
import type { Storage } from '../../../../packages/server/src/storage/storage.ts';
import type { Network } from '../network/network.ts';
import { goOutside, type Node, type World } from '../world/world.ts';
import { onRealServer } from './outside.ts';
import { inProcess, overNetwork } from './way.ts';

/** The store of a world. It outlives every server. */
export interface Store extends AsyncDisposable {
  readonly node: Node;
  /** The harness's own connection. */
  readonly storage: Storage;
  /** Whether its servers are processes of one machine, which have one clock. */
  readonly isLocal: boolean;
  /** The storage as a server that starts in this node reaches it. */
  reach(server: Node): Storage;
}

/** @param url `memory:`, `sqlite:`, `postgres://…` or `redis://…`; a real server's namespace is emptied. */
export async function openStore(url: string, world: World, network: Network): Promise<Store> {
  const node = world.node('store');
  if (url === 'sqlite:') return openSqlite(node, network);
  const storage = url === 'memory:' ? node.run(() => memoryStorage()) : onRealServer(await openReal(url), node);
  return {
    node,
    storage,
    isLocal: false,
    reach: (server) => overNetwork(storage, node, server, network),
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
}

/** One file, and a connection of its own for each server. */
function openSqlite(node: Node, network: Network): Store {
  const directory = mkdtempSync(join(tmpdir(), 'ojs-simulation-'));
  const path = join(directory, 'jobs.db');
  const storage = node.run(() => sqliteStorage({ path }));
  return {
    node,
    storage,
    isLocal: true,
    reach: (server) => inProcess(sqliteStorage({ path }), server, network),
    async [Symbol.asyncDispose]() {
      await storage[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function openReal(url: string): Promise<Storage> {
  return goOutside(async () => {
    const storage = await openStorage(url);
    await storage.migrate();
    await storage.clear();
    return storage;
  });
}
