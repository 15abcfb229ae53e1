import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * `pass`; `reset` ends a connection hard; `drop` swallows what comes, in both directions, and leaves the connection
 * open (half-open); `delay` holds each piece back for a while, in order, because TCP never swaps bytes.
 */
export type Weather = 'pass' | 'reset' | 'drop' | 'delay';

/** A TCP hop in front of a server: it spoils bytes, not requests, so it cuts in the middle of them too. */
export class Hop implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #behind: number;
  #weather: Weather = 'pass';

  static async to(port: number): Promise<Hop> {
    const hop = new Hop(port);
    await new Promise<void>((resolve) => hop.#server.listen(0, '127.0.0.1', resolve));
    return hop;
  }

  private constructor(port: number) {
    this.#behind = port;
    this.#server = createServer((socket) => this.#join(socket));
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  /** Where the server is from now on. */
  set behind(port: number) {
    this.#behind = port;
  }

  /** For the connections that are open, too. */
  set weather(weather: Weather) {
    this.#weather = weather;
    if (weather === 'reset') for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #join(client: Socket): void {
    if (this.#weather === 'reset') return void client.resetAndDestroy();
    const server = connect(this.#behind, '127.0.0.1');
    // What was lost in a half-open connection does not come back: the rest of it would be read as something else.
    let lost = false;
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      let sent: Promise<unknown> = Promise.resolve();
      from.on('data', (bytes: Buffer) => {
        lost ||= this.#weather === 'drop';
        if (lost) return;
        const held = this.#weather === 'delay' ? pause(50 + Math.random() * 100) : null;
        sent = Promise.all([sent, held]).then(() => to.writable && to.write(bytes));
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
