import { Engine, type EngineOptions, openStorage, type Storage } from '@ojs-ts/server';
import { treeCpuUs } from '../process.ts';
import { type Server, type ServerOptions, startServer } from '../server.ts';
import { freshStore, kindOf } from '../store.ts';
import type { Meter } from '../store-cost/meter.ts';
import { meterOf } from '../store-cost/meters.ts';
import type { Cost } from './cost.ts';

/** What a curve measures with: an empty store, its meter, and servers or a storage of this process on it. */
export class Bench implements AsyncDisposable {
  /** By what was measured. */
  readonly costs: Record<string, Cost> = {};
  /** An empty store, as `--storage` takes it. */
  readonly url: string;
  readonly #isServer: boolean;
  readonly #meter: Meter;
  readonly #open: AsyncDisposableStack;
  readonly #servers: Server[] = [];

  private constructor(url: string, meter: Meter, open: AsyncDisposableStack) {
    this.url = url;
    this.#isServer = ['postgres', 'redis'].includes(kindOf(url) ?? '');
    this.#meter = meter;
    this.#open = open;
  }

  /** @param place as `--storage` takes it; a schema, a namespace or a file of its own is made and removed. */
  static async open(place: string): Promise<Bench> {
    await using open = new AsyncDisposableStack();
    const store = open.use(await freshStore(place));
    const meter = open.use(await meterOf(store.storage));
    return new Bench(store.storage, meter, open.move());
  }

  /** The storage below any engine, with its tables. Node's CPU is then that of this process. */
  async storage(url = this.url): Promise<Storage> {
    const storage = this.#open.use(await openStorage(url));
    await storage.migrate();
    return storage;
  }

  /** An engine in this process, whose CPU is Node's. */
  async engine(options: Omit<EngineOptions, 'storage'> = {}, url = this.url): Promise<Engine> {
    return this.#open.use(await Engine.start({ ...options, storage: await openStorage(url) }));
  }

  /** `ojs serve`. Node's CPU is then that of the servers, and this process is their client. */
  async serve(options: ServerOptions = {}, url = this.url): Promise<Server> {
    const server = this.#open.use(await startServer(url, options));
    this.#servers.push(server);
    return server;
  }

  /** What `work` costs, a unit of it: it does or makes so many, or takes so many seconds. */
  async cost(what: string, count: number, work: () => Promise<unknown>): Promise<void> {
    const [before, node] = [await this.#meter.used(), this.#nodeUs()];
    await work();
    const [after, ownUs] = [await this.#meter.used(), this.#nodeUs() - node];
    const storeUs = this.#isServer ? after.cpuUs - before.cpuUs : 0;
    const each = (name: 'commands' | 'logBytes') => {
      const [from, to] = [before[name], after[name]];
      return from === null || to === null ? null : (to - from) / count;
    };
    const [commands, log] = [each('commands'), each('logBytes')];
    this.costs[what] = {
      µs: (ownUs + storeUs) / count,
      ...(this.#isServer && { 'µs of the store': storeUs / count }),
      ...(commands !== null && { commands }),
      ...(log !== null && { 'log bytes': log }),
    };
  }

  /** Something that is no CPU time, such as a latency. */
  note(what: string, cost: Cost): void {
    this.costs[what] = cost;
  }

  /** Bytes that the store keeps; null where it does not say. */
  kept(): ReturnType<Meter['kept']> {
    return this.#meter.kept();
  }

  #nodeUs(): number {
    if (this.#servers.length > 0) return this.#servers.reduce((sum, { pid }) => sum + treeCpuUs(pid), 0);
    const { user, system } = process.cpuUsage();
    return user + system;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#open.disposeAsync();
  }
}
