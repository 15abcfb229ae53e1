import { type Listener, Wakes } from '../wakes.ts';
import type { Connection } from './connection/connection.ts';

/** Wake-ups of every process, from the channel to which the scripts publish. Subscribes once it has a subscriber. */
export class RedisWakes {
  readonly #connection: Connection;
  readonly #channel: string;
  readonly #wakes = new Wakes();
  #subscribed: Promise<AsyncDisposable> | null = null;

  constructor(connection: Connection, channel: string) {
    this.#connection = connection;
    this.#channel = channel;
  }

  async subscribe(listener: Listener): Promise<AsyncDisposable> {
    this.#subscribed ??= this.#listen();
    await this.#subscribed;
    return this.#wakes.subscribe(listener);
  }

  /** Does not wait for a server that is gone: the connection ends its subscriptions. */
  async close(): Promise<void> {
    this.#wakes.close();
    this.#subscribed?.then((subscription) => subscription[Symbol.asyncDispose]()).catch(() => {});
  }

  async #listen(): Promise<AsyncDisposable> {
    try {
      return await this.#connection.listen(this.#channel, {
        onMessage: (message) => this.#receive(message),
        onGap: () => this.#missed(),
      });
    } catch (error) {
      this.#subscribed = null;
      throw error;
    }
  }

  /** The first line is `events` or empty, the others name queues; see finish in lua/hot/common.lua. */
  #receive(message: string): void {
    const [events, ...queues] = message.split('\n');
    for (const queue of queues) this.#wakes.wake(queue);
    if (events === 'events') this.#wakes.logged();
  }

  #missed(): void {
    this.#wakes.wake(null);
    this.#wakes.logged();
  }
}
