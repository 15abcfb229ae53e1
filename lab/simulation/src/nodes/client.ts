import { Admin, Client } from '@ojs-ts/sdk';
import type { Context } from '../context.ts';
import { VirtualTransport } from '../network/transport.ts';
import type { Node } from '../world/world.ts';
import { silent } from './silent.ts';

/** A producer and operator that crashes and starts again in a new node. */
export class ClientProcess {
  readonly name: string;
  readonly #context: Context;
  readonly #age: (node: Node) => void;
  #starts = 0;
  #node: Node;
  #client: Client;
  #admin: Admin;

  constructor(context: Context, name: string, age: (node: Node) => void) {
    this.#context = context;
    this.name = name;
    this.#age = age;
    [this.#node, this.#client, this.#admin] = this.#boot();
  }

  get node(): Node {
    return this.#node;
  }

  get client(): Client {
    return this.#client;
  }

  get admin(): Admin {
    return this.#admin;
  }

  start(): void {
    this.#node.kill();
    [this.#node, this.#client, this.#admin] = this.#boot();
  }

  crash(): void {
    this.#context.world.note(`crash ${this.#node.name}`);
    this.#node.kill();
  }

  #boot(): [Node, Client, Admin] {
    const { world, network, endpoints, recorder } = this.#context;
    const node = world.node(`${this.name}#${this.#starts++}`);
    this.#age(node);
    const options = { logger: silent, timeout: '20s', requestRetry: { maxRetries: 100, maxBackoff: 1_000 } } as const;
    return node.run(() => [
      node,
      new Client(new VirtualTransport(network, node, endpoints, recorder), options),
      new Admin(new VirtualTransport(network, node, endpoints, recorder), options),
    ]);
  }
}
