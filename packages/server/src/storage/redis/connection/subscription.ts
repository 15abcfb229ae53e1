import type { Redis } from 'ioredis';
import { backoff, type Client, disconnect, drop, mastersOf } from './client.ts';

export interface ChannelListener {
  readonly onMessage: (message: string) => void;
  /** The subscription was lost and is made again; messages may have been missed. */
  readonly onGap: () => void;
}

/**
 * A subscription to a channel on a connection of its own, and on a new one when that is lost. In a cluster every node
 * delivers what was published on any other. No event reports an idle connection that is dead, so it is pinged now and
 * then.
 */
export class Subscription implements AsyncDisposable {
  readonly #client: Client;
  readonly #channel: string;
  readonly #channelListener: ChannelListener;
  readonly #everyMs: number;
  #listener: Redis | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #attempts = 0;
  #isClosed = false;

  /** @param everyMs how often the connection is pinged. */
  constructor(client: Client, channel: string, channelListener: ChannelListener, everyMs: number) {
    this.#client = client;
    this.#channel = channel;
    this.#channelListener = channelListener;
    this.#everyMs = everyMs;
  }

  /** Resolves once the subscription is made. Call it once, while the client is ready. */
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
    listener.on('message', (_channel: string, message: string) => this.#channelListener.onMessage(message));
    try {
      await listener.connect();
      await listener.subscribe(this.#channel);
    } catch (error) {
      disconnect(listener);
      throw error;
    }
    if (this.#isClosed) {
      disconnect(listener);
      throw new Error('it is closed');
    }
    this.#attempts = 0;
    listener.once('end', () => this.#reopen(0));
    this.#ping(listener);
  }

  /** Subscribes again, on a connection to the server that is the master now. */
  leave(): void {
    if (this.#listener) drop(this.#listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#setTimer(null);
    if (this.#listener) disconnect(this.#listener);
  }

  #ping(listener: Redis): void {
    this.#setTimer(
      setTimeout(async () => {
        try {
          await listener.ping();
        } catch {
          drop(listener);
          return;
        }
        if (!this.#isClosed && listener === this.#listener && listener.status === 'ready') this.#ping(listener);
      }, this.#everyMs),
    );
  }

  #reopen(ms: number): void {
    if (this.#isClosed) return;
    this.#setTimer(
      setTimeout(async () => {
        try {
          await this.open();
        } catch {
          this.#attempts++;
          this.#reopen(backoff(this.#attempts));
          return;
        }
        this.#channelListener.onGap();
      }, ms),
    );
  }

  #setTimer(timer: ReturnType<typeof setTimeout> | null): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = timer;
    timer?.unref();
  }
}
