import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';

/** What came back; `text` is empty where it was not kept. */
export interface Answered {
  readonly status: number;
  readonly bytes: number;
  readonly text: string;
}

/** How often each status came, by what was asked. */
export class Statuses {
  readonly #counts = new Map<string, Map<number, number>>();

  note(what: string, status: number): void {
    const counts = this.#counts.get(what) ?? new Map<number, number>();
    counts.set(status, (counts.get(status) ?? 0) + 1);
    this.#counts.set(what, counts);
  }

  get all(): Readonly<Record<string, Readonly<Record<string, number>>>> {
    return Object.fromEntries([...this.#counts].map(([what, counts]) => [what, Object.fromEntries(counts)]));
  }

  /** Answers with this status. */
  count(status: number): number {
    return [...this.#counts.values()].reduce((sum, counts) => sum + (counts.get(status) ?? 0), 0);
  }
}

/** Status 0 where the connection ended without an answer. */
export function ask(
  url: string,
  method: string,
  path: string,
  body: string | null,
  { keep = true, headers = {} }: { readonly keep?: boolean; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answered> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const sent = body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const read = (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (keep) chunks.push(chunk);
      });
      response.on('error', () => resolve({ status: 0, bytes, text: '' }));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, bytes, text: Buffer.concat(chunks).toString() }),
      );
    };
    const asked = request(
      { hostname, port, method, path: `/ojs/v1${path}`, headers: { ...sent, ...headers }, agent: false },
      read,
    );
    asked.on('error', () => resolve({ status: 0, bytes: 0, text: '' }));
    asked.end(body ?? undefined);
  });
}

/** Sends the head of a request and `body`, and reads nothing of the answer. Null where it cannot connect. */
export function unread(url: string, head: string, body = ''): Promise<Socket | null> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname,
      port: Number(port),
      onread: { buffer: Buffer.alloc(1), callback: () => false },
    });
    socket.on('error', () => resolve(null));
    socket.once('connect', () => {
      socket.write(`${head}\r\nhost: localhost\r\n\r\n${body}`);
      resolve(socket);
    });
  });
}
