import type { Redis } from 'ioredis';
import { backoff, type Client, drop, mastersOf } from './client.ts';

export interface Heard {
  readonly onMessage: (message: string) => void;
  /** The channel is heard again; something may have been missed. */
  readonly onGap: () => void;
}

/**
 * Hears a channel on a connection of its own, and on a new one when that is gone. In a cluster any node tells what was published on any other.
 * An idle connection that is dead is told by nobody, so it is asked now and then.
 */
export class Listening implements AsyncDisposable {
  readonly #client: Client;
  readonly #channel: string;
  readonly #heard: Heard;
  readonly #everyMs: number;
  #listener: Redis | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #attempts = 0;
  #isClosed = false;

  /** @param everyMs how often the connection is asked whether it lives. */
  constructor(client: Client, channel: string, heard: Heard, everyMs: number) {
    this.#client = client;
    this.#channel = channel;
    this.#heard = heard;
    this.#everyMs = everyMs;
  }

  /** Resolves once the channel is heard. To be called once, while the client is ready. */
  async open(): Promise<void> {
    const [first, ...others] = mastersOf(this.#client);
    if (first === undefined) throw new Error('no node is known');
    const all = [first, ...others];
    const node = all[Math.floor(Math.random() * all.length)] ?? first;
    const never = () => null;
    const listener = node.duplicate({
      enableOfflineQueue: true,
      retryStrategy: never,
      sentinelRetryStrategy: never,
      lazyConnect: true,
    });
    this.#listener = listener;
    listener.on('error', () => {});
    listener.on('message', (_channel: string, message: string) => this.#heard.onMessage(message));
    try {
      await listener.connect();
      await listener.subscribe(this.#channel);
    } catch (error) {
      listener.disconnect();
      throw error;
    }
    if (this.#isClosed) {
      listener.disconnect();
      throw new Error('it is closed');
    }
    this.#attempts = 0;
    listener.once('end', () => this.#later(0));
    this.#ask(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#wait(null);
    this.#listener?.disconnect();
  }

  #ask(listener: Redis): void {
    this.#wait(
      setTimeout(async () => {
        try {
          await listener.ping();
        } catch {
          drop(listener);
          return;
        }
        if (!this.#isClosed && listener === this.#listener && listener.status === 'ready') this.#ask(listener);
      }, this.#everyMs),
    );
  }

  #later(ms: number): void {
    if (this.#isClosed) return;
    this.#wait(
      setTimeout(async () => {
        try {
          await this.open();
        } catch {
          this.#attempts++;
          this.#later(backoff(this.#attempts));
          return;
        }
        this.#heard.onGap();
      }, ms),
    );
  }

  #wait(timer: ReturnType<typeof setTimeout> | null): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = timer;
    timer?.unref();
  }
}
