import { Worker } from '@ojs-ts/sdk';
import { type Context, textOf } from '../context.ts';
import { VirtualTransport } from '../network/transport.ts';
import { jobTypes, runJob } from '../workload/handler.ts';
import type { Node } from '../world/world.ts';
import { silent } from './silent.ts';

export interface WorkerPlan {
  readonly queues: string[];
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
}

/** A worker that crashes, stops and starts again in a new node. */
export class WorkerProcess {
  readonly name: string;
  readonly #context: Context;
  readonly #plan: WorkerPlan;
  readonly #age: (node: Node) => void;
  #starts = 0;
  #isStopping = false;
  #node: Node;
  #worker: Worker;
  #transport: VirtualTransport;

  constructor(context: Context, name: string, plan: WorkerPlan, age: (node: Node) => void) {
    this.#context = context;
    this.name = name;
    this.#plan = plan;
    this.#age = age;
    [this.#node, this.#transport, this.#worker] = this.#boot();
  }

  get node(): Node {
    return this.#node;
  }

  get worker(): Worker {
    return this.#worker;
  }

  get transport(): VirtualTransport {
    return this.#transport;
  }

  get isUp(): boolean {
    return !this.#node.isDead && !this.#isStopping;
  }

  start(): void {
    this.#node.kill();
    this.#isStopping = false;
    [this.#node, this.#transport, this.#worker] = this.#boot();
  }

  crash(): void {
    this.#context.world.note(`crash ${this.#node.name}`);
    this.#context.recorder.add('loss', { node: this.#node.name });
    this.#node.kill();
  }

  stop(): void {
    this.#context.world.note(`stop ${this.#node.name}`);
    this.#isStopping = true;
    this.#context.recorder.add('loss', { node: this.#node.name });
    this.#node.run(() => void this.#worker.stop().catch((error: unknown) => this.#failed(error)));
  }

  #boot(): [Node, VirtualTransport, Worker] {
    const { world, network, endpoints, recorder } = this.#context;
    const node = world.node(`${this.name}#${this.#starts++}`);
    this.#age(node);
    world.note(`start ${node.name}`);
    const { queues, concurrency, leaseMs, heartbeatMs } = this.#plan;
    const transport = new VirtualTransport(network, node, endpoints, recorder);
    const worker = node.run(() => {
      const made = new Worker(transport, {
        queues,
        concurrency,
        handleSignals: false,
        logger: silent,
        visibilityTimeout: leaseMs,
        heartbeatInterval: heartbeatMs,
        shutdownTimeout: '5s',
      });
      for (const type of jobTypes) made.register(type, (context) => runJob(this.#context, node, context));
      made.start().catch((error: unknown) => this.#failed(error));
      return made;
    });
    recorder.name(worker.workerId, node.name);
    return [node, transport, worker];
  }

  #failed(error: unknown): void {
    this.#context.problems.push({ rule: 'unexpected', message: `worker ${this.#node.name}: ${textOf(error)}` });
  }
}
