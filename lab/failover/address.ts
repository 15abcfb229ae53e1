import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** An address that leads to one of several servers, as a virtual address or the Service of a cluster does. */
export interface Address extends AsyncDisposable {
  readonly port: number;
  /**
   * Leads new connections to another port. Those that are open stay with their server, as on the way to a server that
   * hangs, or are cut with it.
   */
  lead(port: number, open: 'keep' | 'cut'): void;
  /** Cuts the open connections. */
  cut(): void;
  /** Connections that are open now, by the port they lead to. */
  connections(port: number): number;
}

export async function address(first: number): Promise<Address> {
  let target = first;
  const ways = new Map<Socket, { readonly server: Socket; readonly port: number }>();
  const listener = createServer((client) => {
    const server = connect(target, '127.0.0.1');
    ways.set(client, { server, port: target });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true);
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        ways.delete(client);
      });
      from.pipe(to);
    }
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const bound = listener.address();
  if (bound === null || typeof bound === 'string') throw new Error('The address has no port.');
  const cut = () => {
    for (const [client, { server }] of ways) {
      client.destroy();
      server.destroy();
    }
  };
  return {
    port: bound.port,
    lead(port, open) {
      target = port;
      if (open === 'cut') cut();
    },
    cut,
    connections: (port) => [...ways.values()].filter((way) => way.port === port).length,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
