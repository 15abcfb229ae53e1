import type { Transport } from '@ojs-ts/core';
import { Embedded } from '../../../../packages/server/src/embedded/embedded.ts';
import { Engine } from '../../../../packages/server/src/engine/engine.ts';
import { type Context, isExplained, textOf } from '../context.ts';
import type { Endpoint } from '../network/transport.ts';
import type { Node } from '../world/world.ts';

/** A server that crashes, stops and starts again in a new node: its memory is gone, the store is not. */
export class Server implements Endpoint {
  readonly name: string;
  readonly #context: Context;
  readonly #age: (node: Node) => void;
  #starts = 0;
  #isStopping = false;
  #node: Node;
  #embedded: Embedded | null = null;

  /** @param age gives a new node its clock. */
  constructor(context: Context, name: string, age: (node: Node) => void) {
    this.#context = context;
    this.name = name;
    this.#age = age;
    this.#node = this.#born();
    this.#boot(this.#node);
  }

  get node(): Node {
    return this.#node;
  }

  get binding(): Required<Pick<Transport, 'call' | 'stream'>> | null {
    return this.#embedded;
  }

  get isUp(): boolean {
    return this.#embedded !== null && !this.#node.isDead;
  }

  /** Whether it was told to stop, and has not been started again. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  start(): void {
    this.#node.kill();
    this.#node = this.#born();
    this.#boot(this.#node);
  }

  crash(): void {
    this.#context.world.note(`crash ${this.#node.name}`);
    this.#embedded = null;
    this.#node.kill();
  }

  /** Ends in order, as for a deployment; the process is gone when it starts again. */
  stop(): void {
    const embedded = this.#embedded;
    this.#isStopping = true;
    this.#context.world.note(`stop ${this.#node.name}`);
    this.#embedded = null;
    if (embedded !== null) this.#node.run(() => void embedded[Symbol.asyncDispose]().catch(this.#failed));
  }

  #born(): Node {
    this.#embedded = null;
    this.#isStopping = false;
    const node = this.#context.world.node(`${this.name}#${this.#starts++}`);
    this.#age(node);
    return node;
  }

  #boot(node: Node): void {
    const { store, parameters, world } = this.#context;
    world.note(`start ${node.name}`);
    void node.run(async () => {
      const storage = store.reach(node);
      for (;;) {
        try {
          // The check of the file has a process of its own, outside of virtual time.
          const engine = await Engine.start({ storage, deadAfterMs: parameters.deadAfterMs, storeCheck: false });
          if (this.#node === node && !node.isDead) this.#embedded = new Embedded(engine, this.#failed);
          return;
        } catch (error) {
          this.#failed(error);
          await new Promise((resolve) => setTimeout(resolve, 500));
        }
      }
    });
  }

  readonly #failed = (error: unknown): void => {
    if (!isExplained(error)) this.#context.problems.push({ rule: 'unexpected', message: textOf(error) });
  };
}
