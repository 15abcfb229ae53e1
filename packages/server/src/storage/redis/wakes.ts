import { type Listener, Wakes } from '../wakes.ts';
import type { Connection } from './connection/connection.ts';

/** Wake-ups of every process, from the channel that the scripts publish to. Heard while somebody has subscribed. */
export class RedisWakes {
  readonly #connection: Connection;
  readonly #channel: string;
  readonly #wakes = new Wakes();
  #heard: Promise<AsyncDisposable> | null = null;

  constructor(connection: Connection, channel: string) {
    this.#connection = connection;
    this.#channel = channel;
  }

  async subscribe(listener: Listener): Promise<AsyncDisposable> {
    this.#heard ??= this.#listen();
    await this.#heard;
    return this.#wakes.subscribe(listener);
  }

  /** Does not wait for a server that is not there: the connection ends what it listens to. */
  async close(): Promise<void> {
    this.#wakes.close();
    this.#heard?.then((listening) => listening[Symbol.asyncDispose]()).catch(() => {});
  }

  async #listen(): Promise<AsyncDisposable> {
    try {
      return await this.#connection.listen(this.#channel, {
        onMessage: (message) => this.#hear(message),
        onGap: () => this.#missed(),
      });
    } catch (error) {
      this.#heard = null;
      throw error;
    }
  }

  /** The first line is `events` or empty, the others name queues; see finish in lua/lib/common.lua. */
  #hear(message: string): void {
    const [events, ...queues] = message.split('\n');
    for (const queue of queues) this.#wakes.wake(queue);
    if (events === 'events') this.#wakes.logged();
  }

  #missed(): void {
    this.#wakes.wake(null);
    this.#wakes.logged();
  }
}
