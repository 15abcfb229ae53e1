import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * `before` and `after` cut the connection before and after the server behind has answered; an object is answered in its
 * place.
 */
export type Meddling =
  | 'before'
  | 'after'
  | 'pass'
  /** It goes nowhere, and the connection stays open. */
  | 'swallow'
  /** Once the server behind has answered: the answer is held back until then. */
  | (() => Promise<void>)
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> };

export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** What came through, as `POST /ojs/v1/jobs`. */
  readonly seen: { readonly line: string; readonly headers: IncomingMessage['headers']; readonly body: string }[];
}

/** A real HTTP hop in front of a real server: `meddle` says what becomes of each request. */
export async function openProxy(behind: string, meddle: (line: string) => Meddling): Promise<Proxy> {
  const seen: Proxy['seen'] = [];
  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const body: Buffer[] = [];
    for await (const chunk of incoming) body.push(chunk);
    const line = `${incoming.method} ${incoming.url}`;
    seen.push({ line, headers: incoming.headers, body: Buffer.concat(body).toString() });
    const verdict = meddle(line);
    if (verdict === 'swallow') return;
    if (verdict === 'before') return void incoming.socket.destroy();
    if (typeof verdict === 'object') return void response.writeHead(verdict.status, verdict.headers).end(verdict.body);
    const onward = request(
      new URL(incoming.url ?? '/', behind),
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        const text: Buffer[] = [];
        answer.on('data', (chunk) => text.push(chunk));
        answer.on('end', () => {
          if (verdict === 'after') return void incoming.socket.destroy();
          const answered = () => response.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(text));
          if (typeof verdict === 'function') void verdict().then(answered);
          else answered();
        });
      },
    );
    onward.on('error', () => incoming.socket.destroy());
    response.on('close', () => onward.destroy());
    onward.end(Buffer.concat(body));
  };
  const server = createServer(
    (incoming, response) => void handle(incoming, response).catch(() => incoming.socket.destroy()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
