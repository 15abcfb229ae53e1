import type { WebSocket } from 'ws';
import type { Delivery, Sink } from '../streams/connection.ts';
import { frames } from '../streams/wire.ts';
import { readerBytes, type SlowReaders } from './slow-readers.ts';

/** The most unhandled messages of a client; a client that sends more before the answers is disconnected. */
const maxPending = 100;
const goingAway = 1001;
const policyViolation = 1008;
const internalError = 1011;

export interface SocketTimes {
  readonly pingMs: number;
  readonly pongMs: number;
}

/** A WebSocket as a writer, with pings and a bound on the unhandled messages of its client. */
export class Socket implements Sink {
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  readonly #slow: SlowReaders;
  readonly #ping: NodeJS.Timeout;
  /** Resolves when the socket has accepted everything that was written. */
  #written: Promise<void> = Promise.resolve();
  #pong: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, { pingMs, pongMs }: SocketTimes, slow: SlowReaders) {
    this.#socket = socket;
    this.#slow = slow;
    this.#ping = setInterval(() => {
      socket.ping();
      // After a standstill of the event loop timers come before what has arrived: the pong may be there.
      this.#pong ??= setTimeout(() => setImmediate(() => this.#pong && socket.terminate()), pongMs).unref();
    }, pingMs).unref();
    socket.on('pong', () => {
      clearTimeout(this.#pong);
      this.#pong = undefined;
    });
    // A message that is too large, a broken frame, a reset: the library closes the socket.
    socket.on('error', () => {});
    socket.once('close', () => {
      clearInterval(this.#ping);
      clearTimeout(this.#pong);
      for (const done of this.#waiting) done();
    });
  }

  /** Handles what the client sends, one message after the other. */
  receive(handle: (text: string) => Promise<void>, failed: (error: unknown) => void): void {
    let pending = 0;
    let turn = Promise.resolve();
    this.#socket.on('message', (data, isBinary) => {
      if (pending >= maxPending) {
        this.#socket.close(policyViolation, 'too many messages at once');
        return;
      }
      pending++;
      const text = isBinary ? '' : data.toString();
      turn = turn
        .then(() => handle(text))
        .then(() => this.#written)
        .catch((error: unknown) => {
          failed(error);
          this.#socket.close(internalError);
        })
        .finally(() => pending--);
    });
  }

  write(deliveries: readonly Delivery[]): Promise<void> {
    const texts = deliveries.flatMap(frames);
    for (const text of texts.slice(0, -1)) this.#socket.send(text, ignore);
    return this.#sendLast(
      texts.at(-1),
      texts.reduce((sum, { length }) => sum + length, 0),
    );
  }

  send(text: string): void {
    void this.#sendLast(text, text.length);
  }

  end(): void {
    this.#socket.close(goingAway, 'server shutdown');
  }

  destroy(): void {
    this.#socket.terminate();
  }

  /** @param bytes of all that was sent since the last one. */
  #sendLast(text: string | undefined, bytes: number): Promise<void> {
    if (text === undefined || this.#socket.readyState !== this.#socket.OPEN) return Promise.resolve();
    this.#written = new Promise((resolve) => {
      const taken = this.#slow.waits(this, bytes + readerBytes);
      const done = () => {
        taken();
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      this.#socket.send(text, done);
    });
    return this.#written;
  }
}

/** A send fails only because the socket closes, which has its own event. */
function ignore(): void {}
