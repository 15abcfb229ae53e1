import { connect, createServer, type Socket } from 'node:net';
import { parseResponse, type Response } from './request.ts';

export interface CuttingProxy extends AsyncDisposable {
  readonly url: string;
  /** The next connection is cut when its answer begins to arrive: the answer that its client never sees. */
  cutNext(): Promise<Response>;
}

/** Forwards connections to a server, and swallows an answer where it is told to. */
export async function cuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let cut: ((answer: Response) => void) | null = null;

  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    client.pipe(server);
    if (cut === null) {
      server.pipe(client);
      return;
    }
    const swallowed = cut;
    cut = null;
    let text = '';
    server.on('data', (chunk: Buffer) => {
      client.destroy();
      text += chunk.toString('utf8');
      const answer = parseResponse(text);
      if (Buffer.byteLength(answer.text) < Number(answer.headers['content-length'] ?? Number.POSITIVE_INFINITY)) return;
      server.destroy();
      swallowed(answer);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    cutNext: () =>
      new Promise((resolve) => {
        cut = resolve;
      }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
