import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Tunnel extends AsyncDisposable {
  readonly url: string;
  /** Connections that are open now. */
  readonly open: number;
  /** Connections so far. */
  readonly count: number;
  /** Resets all connections. */
  cut(): void;
  /** The connections of now stay open, and nothing comes through them any more. */
  freeze(): void;
}

/** A TCP hop in front of a server, whose connections can be cut and frozen. */
export async function openTunnel(behind: string): Promise<Tunnel> {
  const { hostname, port } = new URL(behind);
  const pairs = new Set<readonly [Socket, Socket]>();
  let count = 0;
  const server = createServer((incoming) => {
    count += 1;
    const onward = connect(Number(port), hostname);
    const pair = [incoming, onward] as const;
    pairs.add(pair);
    const close = () => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on('close', close).on('error', close);
    incoming.pipe(onward);
    onward.pipe(incoming);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  const cut = () => {
    for (const [incoming] of pairs) incoming.resetAndDestroy();
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    get open() {
      return pairs.size;
    },
    get count() {
      return count;
    },
    cut,
    freeze() {
      for (const pair of pairs) for (const socket of pair) socket.unpipe().pause();
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      await closed;
    },
  };
}
