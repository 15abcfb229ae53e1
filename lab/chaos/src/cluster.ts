import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Hop } from '../../../packages/sdk/test/support/hop.ts';
import { freePort } from '../../../packages/server/test/support/instance.ts';
import { Process } from './process.ts';
import type { Store } from './stores.ts';

/** A process that is started again whenever it ends, and the way to it. */
class Member {
  #process: Process | null = null;
  #starts = 0;
  readonly #start: (start: number) => Process;
  readonly #ready: RegExp;

  constructor(start: (start: number) => Process, ready: RegExp) {
    this.#start = start;
    this.#ready = ready;
  }

  get process(): Process {
    if (this.#process === null) throw new Error('It was never started.');
    return this.#process;
  }

  /**
   * Starts until it runs: while its store or server is away a process may end at once.
   * @throws Error with what it wrote where it does not start within two minutes
   */
  async start(): Promise<void> {
    const until = performance.now() + 120_000;
    for (;;) {
      if (performance.now() > until) throw new Error(`A process does not start: ${this.process.errors}`);
      const process = this.#start(this.#starts++);
      this.#process = process;
      if ((await process.line(this.#ready)) !== null) return;
      await pause(200);
    }
  }
}

/** Two servers on one store, three workers and two clients; every way between them can be spoilt. */
export class Cluster implements AsyncDisposable {
  readonly servers: Member[] = [];
  readonly workers: Member[] = [];
  readonly clients: Member[] = [];
  /** The networks in front of the servers. */
  readonly hops: Hop[] = [];
  readonly histories: string[] = [];

  static async start(store: Store, directory: string, { seed, rate, env }: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster();
    for (const [index, url] of store.urls.entries()) {
      const port = await freePort();
      cluster.hops.push(await Hop.to(port));
      const args = ['serve', '--storage', url, '--port', String(port), '--log-level', 'error'];
      cluster.servers.push(new Member(() => new Process('packages/cli/src/main.ts', args, env[index]), /listening/));
    }
    await Promise.all(cluster.servers.map((server) => server.start()));
    const child = (name: string, script: string, hop: number, more: readonly string[] = []) =>
      new Member((start) => {
        const node = `${name}#${start}`;
        const path = join(directory, `${node}.ndjson`);
        cluster.histories.push(path);
        return new Process(script, [node, cluster.hops[hop % cluster.hops.length]?.url ?? '', path, ...more]);
      }, /ready/);
    for (const index of [0, 1, 2])
      cluster.workers.push(child(`worker-${index}`, 'lab/chaos/src/worker.child.ts', index));
    for (const index of [0, 1])
      cluster.clients.push(
        child(`client-${index}`, 'lab/chaos/src/client.child.ts', index, [String(seed + index), String(rate / 2)]),
      );
    await Promise.all([...cluster.workers, ...cluster.clients].map((member) => member.start()));
    return cluster;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const members = [...this.clients, ...this.workers, ...this.servers];
    await Promise.all(members.map(({ process }) => process.kill()));
    await Promise.all(this.hops.map((hop) => hop[Symbol.asyncDispose]()));
  }
}

export interface ClusterOptions {
  readonly seed: number;
  /** Pieces of work a second. */
  readonly rate: number;
  /** The environment of each server. */
  readonly env: readonly Readonly<Record<string, string>>[];
}
