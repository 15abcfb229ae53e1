import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

/** A server that answers as the test says, in place of one of this project. */
export interface Answering extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** @param answer the body for the request with this number, from 0; with `error` a refusal, null for none. */
export async function answering(answer: (index: number) => object | null): Promise<Answering> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    asked.push({ method, url, body: await text(request) });
    const body = answer(asked.length - 1);
    if (body === null) return;
    response.writeHead('error' in body ? 409 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
