import type { ServerResponse } from 'node:http';
import type { Delivery, Sink } from '../streams/connection.ts';
import { heartbeatComment, streamEvent, streamHead } from '../streams/wire.ts';
import { readerBytes, type SlowReaders } from './slow-readers.ts';

/** A response that is a stream of Server-Sent Events. */
export class EventStream implements Sink {
  readonly #response: ServerResponse;
  readonly #heartbeatMs: number;
  readonly #slow: SlowReaders;
  /** Callbacks of pending writes, each called when its bytes are sent, or never will be. */
  readonly #waiting = new Set<() => void>();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, heartbeatMs: number, slow: SlowReaders) {
    this.#response = response;
    this.#heartbeatMs = heartbeatMs;
    this.#slow = slow;
    response.once('close', () => {
      clearInterval(this.#heartbeat);
      for (const done of this.#waiting) done();
    });
  }

  open(headers: Readonly<Record<string, number | string | readonly string[] | undefined>>, lastId: string): void {
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) this.#response.setHeader(name, value);
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    this.#response.write(streamHead(lastId));
    this.#heartbeat = setInterval(() => {
      // A client with unread bytes needs no keep-alive comment.
      if (this.#waiting.size === 0) void this.#send(heartbeatComment);
    }, this.#heartbeatMs).unref();
  }

  write(deliveries: readonly Delivery[]): Promise<void> {
    return this.#send(deliveries.map(streamEvent).join(''));
  }

  end(): void {
    clearInterval(this.#heartbeat);
    this.#response.end();
  }

  destroy(): void {
    this.#response.destroy();
  }

  #send(text: string): Promise<void> {
    if (this.#response.destroyed || this.#response.writableEnded) return Promise.resolve();
    return new Promise((resolve) => {
      const taken = this.#slow.waits(this, text.length + readerBytes);
      const done = () => {
        taken();
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      this.#response.write(text, done);
    });
  }
}
