import { request as http, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { expect } from 'vitest';
import { WebSocket } from 'ws';

/** Matches the id of the message about the event at a position; the time of that event follows in it where it is known. */
export const idAt = (position: number) => expect.stringMatching(new RegExp(`^${position}(?:\\.\\d{13})?$`));

/** One block of an event stream: its fields, or its comment. */
export interface Block {
  readonly id?: string;
  readonly event?: string;
  readonly retry?: string;
  readonly comment?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Values that come one by one, to be taken in order. */
class Inbox<T> {
  readonly #values: T[] = [];
  #closed = false;
  #wake: () => void = () => {};

  put(value: T): void {
    this.#values.push(value);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** The next value; null after the end. */
  async next(): Promise<T | null> {
    while (this.#values.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#values.shift() ?? null;
  }

  async take(count: number): Promise<readonly T[]> {
    const taken: T[] = [];
    while (taken.length < count) {
      const value = await this.next();
      if (value === null) throw new Error(`The end came after ${taken.length} of ${count}: ${JSON.stringify(taken)}`);
      taken.push(value);
    }
    return taken;
  }

  async rest(): Promise<readonly T[]> {
    const values: T[] = [];
    for (let value = await this.next(); value !== null; value = await this.next()) values.push(value);
    return values;
  }
}

export class TestStream implements Disposable {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Events and the head, without heartbeats. */
  readonly events = new Inbox<Block>();
  readonly comments = new Inbox<string>();
  readonly #response: IncomingMessage;
  #text = '';
  #parsed = 0;

  constructor(response: IncomingMessage) {
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    this.#response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.#read(chunk));
    // A stream that is cut off ends for whoever reads it.
    response.on('error', () => {});
    response.once('close', () => {
      this.events.close();
      this.comments.close();
    });
  }

  /** Everything that came, as it came. */
  get text(): string {
    return this.#text;
  }

  [Symbol.dispose](): void {
    this.#response.destroy();
  }

  #read(chunk: string): void {
    this.#text += chunk;
    const blocks = this.#text.slice(this.#parsed).split('\n\n');
    this.#parsed = this.#text.length - (blocks.at(-1)?.length ?? 0);
    for (const block of blocks.slice(0, -1)) {
      if (block.startsWith(':')) {
        this.comments.put(block.slice(1));
        continue;
      }
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      this.events.put({ ...fields, data: fields.data === undefined ? {} : JSON.parse(fields.data) });
    }
  }
}

export function openStream(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestStream> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const sent = { accept: 'text/event-stream', ...headers };
    const request = http({ hostname, port, path: `/ojs/v1${path}`, headers: sent, agent: false }, (response) =>
      resolve(new TestStream(response)),
    );
    request.on('error', reject);
    request.end();
  });
}

/** A stream that is open: its head was read, and everything that is committed from now on will come. */
export async function followStream(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestStream> {
  const stream = await openStream(url, path, headers);
  if (stream.status !== 200)
    throw new Error(`The stream was refused: ${stream.status} ${(await stream.events.rest()).length}`);
  await stream.events.take(1);
  return stream;
}

export type Frame = Readonly<Record<string, unknown>> & { readonly data?: Readonly<Record<string, unknown>> };

export class TestSocket implements Disposable {
  readonly frames = new Inbox<Frame>();
  readonly closed: Promise<number>;
  readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => this.frames.put(JSON.parse(data.toString())));
    this.closed = new Promise((resolve) => {
      socket.once('close', (code) => {
        this.frames.close();
        resolve(code);
      });
    });
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Sends a message and answers the next frame. */
  async ask(message: unknown): Promise<Frame> {
    this.send(message);
    const [frame] = await this.frames.take(1);
    return frame ?? {};
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

export interface SocketOptions {
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  /** False leaves the server's pings without an answer. */
  readonly autoPong?: boolean;
  readonly rejectUnauthorized?: boolean;
}

/** Connects; a handshake that is refused rejects with its status and its body. */
export function openSocket(url: string, options: SocketOptions = {}): Promise<TestSocket> {
  const { protocols = ['ojs.v1'], path = '/ojs/v1/ws', ...rest } = options;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, [...protocols], rest);
    socket.once('open', () => resolve(new TestSocket(socket)));
    socket.once('unexpected-response', (_, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => reject(new Error(`${response.statusCode} ${Buffer.concat(chunks).toString('utf8')}`)));
    });
    socket.on('error', reject);
  });
}
