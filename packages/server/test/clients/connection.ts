import type { Socket } from 'node:net';
import { open } from '../support/request.ts';

/** An answer as its bytes came. */
export interface Answer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** A connection that is kept alive, as HTTP clients keep theirs; requests go out byte for byte, one after the other. */
export class Connection implements Disposable {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wake: () => void = () => {};
  #closed = false;

  static async open(url: string): Promise<Connection> {
    return new Connection(await open(url));
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** @param head request line and header lines, without their line ends. */
  async send(head: readonly string[], body = ''): Promise<Answer> {
    this.#socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    const end = await this.#find('\r\n\r\n');
    const [line = '', ...fields] = this.#take(end + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n');
    const status = Number(line.split(' ')[1]);
    const headers = new Map(
      fields.map((field) => {
        const colon = field.indexOf(':');
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const;
      }),
    );
    const length = Number(status === 204 ? 0 : headers.get('content-length'));
    if (!Number.isInteger(length)) throw new Error(`The answer does not say how long it is: ${line}`);
    while (this.#received.length < length) await this.#more();
    return { status, headers, text: this.#take(length).toString('utf8') };
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #find(text: string): Promise<number> {
    for (;;) {
      const index = this.#received.indexOf(text);
      if (index >= 0) return index;
      await this.#more();
    }
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#closed) throw new Error('The server closed the connection.');
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

export function lengthOf(body: string): number {
  return Buffer.byteLength(body);
}
