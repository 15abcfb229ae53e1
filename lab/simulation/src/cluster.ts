import type { Context } from './context.ts';
import { ClientProcess } from './nodes/client.ts';
import { Server } from './nodes/server.ts';
import { WorkerProcess } from './nodes/worker.ts';
import { queues } from './workload/actor.ts';
import type { Random } from './world/random.ts';
import type { Node } from './world/world.ts';

/** The processes of a world. */
export class Cluster {
  readonly context: Context;
  readonly servers: Server[] = [];
  readonly workers: WorkerProcess[] = [];
  readonly clients: ClientProcess[] = [];
  /** For the clocks of new nodes. */
  readonly #random: Random;
  /** How far the clock of the servers' machine is ahead, where they share one. */
  machineSkew = 0;

  constructor(context: Context, endpoints: Server[], random: Random) {
    this.context = context;
    this.servers = endpoints;
    this.#random = random;
    const { parameters } = context;
    const each = (count: number, add: (index: number) => void) =>
      Array.from({ length: count }, (_, index) => add(index));
    each(parameters.servers, (index) =>
      this.servers.push(new Server(context, `s${index}`, (node) => this.#ageServer(node))),
    );
    each(parameters.workers, (index) => this.workers.push(this.worker(`w${index}`)));
    each(parameters.clients, (index) =>
      this.clients.push(new ClientProcess(context, `c${index}`, (node) => this.#ageClient(node))),
    );
  }

  worker(name: string): WorkerProcess {
    const { leaseMs, heartbeatMs } = this.context.parameters;
    return new WorkerProcess(this.context, name, { queues, concurrency: 3, leaseMs, heartbeatMs }, (node) =>
      this.#age(node),
    );
  }

  /** When the last event loop goes on; now where none is blocked. */
  blockedUntil(): number {
    const { store, world } = this.context;
    const nodes = [...this.servers, ...this.workers, ...this.clients].map(({ node }) => node);
    return Math.max(world.now, store.node.blockedUntil, ...nodes.map(({ blockedUntil }) => blockedUntil));
  }

  /** Unblocks, restarts and heals everything. */
  heal(): void {
    const { network, store } = this.context;
    network.heal();
    store.node.blockedUntil = 0;
    for (const { node } of [...this.servers, ...this.workers, ...this.clients]) node.blockedUntil = 0;
    for (const server of this.servers) if (!server.isUp && !this.#isStarting(server)) server.start();
    for (const worker of this.workers) if (!worker.isUp) worker.start();
    for (const client of this.clients) if (client.node.isDead) client.start();
  }

  kill(): void {
    for (const { node } of [...this.servers, ...this.workers, ...this.clients]) node.kill();
  }

  #isStarting({ isUp, node, isStopping }: Server): boolean {
    return !isUp && !node.isDead && !isStopping;
  }

  #age(node: Node): void {
    const { skewMs } = this.context.parameters;
    node.skew = Math.round((2 * this.#random() - 1) * skewMs);
    // At most 0.2 ms a second.
    if (skewMs > 0) node.drift = (2 * this.#random() - 1) * 2e-4;
  }

  #ageServer(node: Node): void {
    this.#age(node);
    if (!this.context.store.isLocal) return;
    node.skew = this.machineSkew;
    node.drift = 0;
  }

  /** A client reckons `delay` by its own clock where the server takes no durations. */
  #ageClient(node: Node): void {
    this.#age(node);
    node.skew = Math.round(node.skew / 1_000);
  }
}
