import { holdMs } from '@ojs-ts/core';
import type { Cluster } from '../cluster.ts';
import { pick } from '../world/random.ts';
import type { Node } from '../world/world.ts';

/** @param roll numbers that the scenario drew for this fault. */
type Fault = (cluster: Cluster, roll: readonly number[]) => void;

/** The kinds of faults that a scenario draws from. */
export const faults: Readonly<Record<string, Fault>> = {
  'crash server'(cluster, roll) {
    const server = pick(cluster.servers, at(roll, 0));
    if (!server.isUp) return;
    cluster.context.coverage.count('server crashed');
    server.crash();
    later(cluster, 100 + 15_000 * at(roll, 1), () => {
      if (server.node.isDead) server.start();
    });
  },
  'crash all servers'(cluster, roll) {
    for (const server of cluster.servers) {
      if (server.node.isDead) continue;
      cluster.context.coverage.count('server crashed');
      server.crash();
      later(cluster, 100 + 15_000 * at(roll, 1), () => {
        if (server.node.isDead) server.start();
      });
    }
  },
  'stop server'(cluster, roll) {
    const server = pick(cluster.servers, at(roll, 0));
    if (!server.isUp) return;
    const { node } = server;
    cluster.context.coverage.count('server stopped');
    server.stop();
    later(cluster, 3_000 + 5_000 * at(roll, 1), () => {
      if (server.node === node) server.start();
    });
  },
  'crash worker'(cluster, roll) {
    const worker = pick(cluster.workers, at(roll, 0));
    if (worker.node.isDead) return;
    cluster.context.coverage.count('worker crashed');
    worker.crash();
    later(cluster, 100 + 10_000 * at(roll, 1), () => {
      if (worker.node.isDead) worker.start();
    });
  },
  'stop worker'(cluster, roll) {
    const worker = pick(cluster.workers, at(roll, 0));
    if (!worker.isUp) return;
    const { node } = worker;
    cluster.context.coverage.count('worker stopped');
    worker.stop();
    later(cluster, 16_000, () => {
      if (worker.node === node) worker.start();
    });
  },
  'crash client'(cluster, roll) {
    const client = pick(cluster.clients, at(roll, 0));
    if (client.node.isDead) return;
    cluster.context.coverage.count('client crashed');
    client.crash();
    later(cluster, 100 + 3_000 * at(roll, 1), () => {
      if (client.node.isDead) client.start();
    });
  },
  block(cluster, roll) {
    const { node } = pick([...cluster.servers, ...cluster.workers], at(roll, 0));
    block(cluster, node, 4 * cluster.context.parameters.leaseMs * at(roll, 1) ** 2);
  },
  'block worker'(cluster, roll) {
    const { node } = pick(cluster.workers, at(roll, 0));
    block(cluster, node, cluster.context.parameters.leaseMs * (0.5 + 2 * at(roll, 1)));
  },
  'stall store'(cluster, roll) {
    const { store, world, coverage } = cluster.context;
    coverage.count('store stalled');
    store.node.blockedUntil = world.now + 8_000 * at(roll, 0);
  },
  cut(cluster, roll) {
    const others = [...cluster.workers, ...cluster.clients].map(({ name }) => name);
    const one = pick([...others, 'store'], at(roll, 0));
    cut(cluster, [`${one} ${pick(cluster.servers, at(roll, 1)).name}`], 500 + 20_000 * at(roll, 2));
  },
  isolate(cluster, roll) {
    const one = pick([...cluster.workers.map(({ name }) => name), 'store'], at(roll, 0));
    const pairs = cluster.servers.map(({ name }) => `${one} ${name}`);
    cut(cluster, pairs, 3 * cluster.context.parameters.leaseMs * at(roll, 1));
  },
  lossy(cluster, roll) {
    const { conditions } = cluster.context.network;
    conditions.drop = 0.3 * at(roll, 0);
    conditions.duplicate = 0.2 * at(roll, 1);
    later(cluster, 10_000 * at(roll, 2), () => Object.assign(conditions, { drop: 0.01, duplicate: 0.01 }));
  },
  late(cluster, roll) {
    const { conditions } = cluster.context.network;
    conditions.late = 0.3 * at(roll, 0);
    later(cluster, 20_000 * at(roll, 1), () => Object.assign(conditions, { late: 0 }));
  },
  slow(cluster, roll) {
    const { network, coverage } = cluster.context;
    coverage.count('network slow');
    network.conditions.slow = 1 + 50 * at(roll, 0);
    later(cluster, 5_000 * at(roll, 1), () => Object.assign(network.conditions, { slow: 1 }));
  },
  'slow readers'(cluster, roll) {
    const { conditions } = cluster.context.network;
    conditions.readMs = 3_000 * at(roll, 0) ** 2;
    later(cluster, 10_000 * at(roll, 1), () => Object.assign(conditions, { readMs: 0 }));
  },
  'store errors'(cluster, roll) {
    const { conditions } = cluster.context.network;
    conditions.storeFault = 0.3 * at(roll, 0);
    conditions.wakeLoss = at(roll, 1);
    later(cluster, 8_000 * at(roll, 2), () => Object.assign(conditions, { storeFault: 0.01, wakeLoss: 0.05 }));
  },
  /** Of a worker by up to an hour, of servers and the store by up to 20 s. */
  'clock jump'(cluster, roll) {
    const { coverage, world } = cluster.context;
    const way = 2 * at(roll, 1) - 1;
    coverage.count('clock jumped');
    if (at(roll, 0) < 0.5) {
      const { node } = pick(cluster.workers, 2 * at(roll, 0));
      world.note(`jump ${node.name}`);
      node.skew += Math.round(3_600_000 * way);
      return;
    }
    jumpServer(cluster, 2 * at(roll, 0) - 1, Math.round(20_000 * way));
  },
};

/** One failure in a hundred, all the time. */
export function addNoise({ context }: Cluster): void {
  Object.assign(context.network.conditions, { drop: 0.01, duplicate: 0.01, storeFault: 0.01, wakeLoss: 0.05 });
}

/**
 * A server measures the store's time every 10 s, and may fail to, and follows a step once it has held: for so long its
 * time may be wrong.
 */
const followedMs = 30_000 + holdMs;

function jumpServer(cluster: Cluster, roll: number, ms: number): void {
  const { store, world, recorder } = cluster.context;
  if (store.isLocal) {
    cluster.machineSkew += ms;
    for (const { node } of cluster.servers) node.skew += ms;
    store.node.skew += ms;
  } else {
    const node = pick([store.node, ...cluster.servers.map((server) => server.node)], roll);
    world.note(`jump ${node.name}`);
    node.skew += ms;
  }
  recorder.add('clock', { jumpMs: ms });
  recorder.timeIsRightAt = world.now + followedMs;
}

function at(roll: readonly number[], index: number): number {
  return roll[index] ?? 0;
}

function later({ context }: Cluster, ms: number, end: () => void): void {
  const { world } = context;
  world.harness.after(ms, 'end of a fault', () => {
    if (world.now < context.parameters.chaosMs) end();
  });
}

function block({ context }: Cluster, node: Node, ms: number): void {
  const { world, coverage } = context;
  coverage.count('event loop blocked');
  world.note(`block ${node.name}`);
  node.blockedUntil = Math.max(node.blockedUntil, world.now + ms);
}

function cut(cluster: Cluster, pairs: readonly string[], ms: number): void {
  const { cuts } = cluster.context.network;
  for (const pair of pairs) cuts.add(pair);
  cluster.context.world.note(`cut ${pairs.join(', ')}`);
  later(cluster, ms, () => {
    for (const pair of pairs) cuts.delete(pair);
  });
}
