import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { StoreUnavailable } from '../../src/storage/unavailable.ts';

/** A way to a store's server that can be cut, or go dead, whatever is spoken on it. */
export interface StoreProxy extends AsyncDisposable {
  /** The store's URL, with this way to it. */
  readonly url: string;
  /**
   * Cuts the connection over which the `number`-th answer from now on begins to arrive, counted from 1: its client
   * never sees it. All that the server says between two requests of one connection is one answer. Null ends it.
   */
  cutAnswer(number: number | null): void;
  /** Whether that answer was cut. It may be the greeting of a connection that a slow machine made late. */
  readonly hasCut: boolean;
  /** Resolves when the server is done with the connection that was cut: whatever had arrived there took effect. */
  settled(): Promise<void>;
  /**
   * Behind the next request nothing goes through any more, in either direction, and nobody is told: as where a cable is
   * pulled out. Resolves when it has begun. New connections are accepted and left alone. What was sent meanwhile
   * arrives with `heal`, as a network delivers it late.
   */
  blackHole(): Promise<void>;
  heal(): void;
}

interface Way {
  readonly client: Socket;
  readonly server: Socket;
}

/**
 * @param aside Tells requests whose answers are neither counted nor cut: what a client sends by a timer of its own
 * comes at any time.
 */
export async function storeProxy(
  target: string,
  aside: (request: Buffer) => boolean = () => false,
): Promise<StoreProxy> {
  const url = new URL(target);
  const [host, port] = [url.hostname, Number(url.port)];
  const ways = new Set<Way>();
  let toCut: number | null = null;
  let answers = 0;
  let hasCut = false;
  let settled = Promise.resolve();
  let dead = false;
  let onRequest = () => {};

  function open(client: Socket): void {
    const server = connect(port, host);
    const way: Way = { client, server };
    ways.add(way);
    let asked = false;
    let cut = false;
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        if (!cut) other.destroy();
        ways.delete(way);
      });
    }
    client.on('data', (chunk: Buffer) => {
      asked = !aside(chunk);
      if (!server.write(chunk) && !dead) pauseUntilDrained(client, server);
      onRequest();
    });
    server.on('data', (chunk: Buffer) => {
      const begins = asked;
      if (begins) answers++;
      asked = false;
      if (cut) return;
      if (begins && answers === toCut) {
        cut = true;
        hasCut = true;
        settled = new Promise((resolve) => server.once('close', () => resolve()));
        client.destroy();
        server.end();
        return;
      }
      if (!client.write(chunk) && !dead) pauseUntilDrained(server, client);
    });
    if (dead) stop(way);
  }

  function pauseUntilDrained(from: Socket, to: Socket): void {
    from.pause();
    to.once('drain', () => {
      if (!dead) from.resume();
    });
  }

  function stop({ client, server }: Way): void {
    client.pause();
    server.pause();
  }

  const proxy = createServer(open);
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  url.hostname = '127.0.0.1';
  url.port = String(address.port);
  return {
    url: url.href,
    cutAnswer(number) {
      toCut = number;
      answers = 0;
      // Whoever ends it still asks about the connection that was cut.
      if (number === null) return;
      hasCut = false;
      settled = Promise.resolve();
    },
    get hasCut() {
      return hasCut;
    },
    settled: () => settled,
    blackHole: () =>
      new Promise((resolve) => {
        onRequest = () => {
          onRequest = () => {};
          dead = true;
          for (const way of ways) stop(way);
          resolve();
        };
      }),
    heal() {
      dead = false;
      for (const { client, server } of ways) {
        client.resume();
        server.resume();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const { client, server } of ways) {
        client.destroy();
        server.destroy();
      }
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

/**
 * Calls as callers do who are told that the store is unavailable: on a busy machine a new connection may take longer
 * than the 5 s that it is given.
 */
export async function reached<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
}
